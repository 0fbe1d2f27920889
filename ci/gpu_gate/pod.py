"""The state of the gate's pod, read from kubectl. It can only end an attempt early, so unreadable output is ignored."""

import re
from enum import StrEnum
from typing import TypeVar

import msgspec

from ci.gpu_gate.verdict import GpuOutcome

_MOST_QUOTED = 300


class FailureReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt failed."""

    outcome: GpuOutcome
    why: str


# Reasons for which a lease will never be granted. A denied lease is among them only with one of these messages.
_REJECTIONS = (
    "OnDemandLeaseRejected",
    "NoReservation",
    "ReservationTooSmall",
    "is not a member of group",
    "not accessible under this group",
    "Exceeds limit of",
    "limits a single reservation",
    "is not active on",
)
# The first match decides. A lease that is denied for lack of capacity, and failed scheduling, are not in the table:
# both are normal while a pod waits.
_MEANINGS: tuple[tuple[str, GpuOutcome, str], ...] = (
    (
        r"InvalidImageName|(?i:pull).*(?i:not found|manifest unknown|denied|unauthorized|forbidden)",
        GpuOutcome.BAD_RUN,
        "The cluster cannot pull the image: check that this digest is published and readable without a login",
    ),
    (
        r"ErrImagePull|ImagePullBackOff|RegistryUnavailable|Failed to pull image|Back-off pulling image",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster failed to pull the image: run again later, or ask the cluster's administrators",
    ),
    (
        r"[Ee]xceeded quota|quota exceeded",
        GpuOutcome.NO_CAPACITY,
        "Another pod uses the account's GPU quota, or is still ending: check `kubectl get pods`, then run again",
    ),
    (
        r"UnknownGpuClass|is not a GPU class",
        GpuOutcome.BAD_RUN,
        "Unknown GPU class: correct gpu.gpu-class in stack.toml",
    ),
    (
        "|".join(_REJECTIONS),
        GpuOutcome.BAD_RUN,
        "This account cannot get this GPU: correct gpu.workspace, gpu.gpu-class or gpu.gpus in stack.toml",
    ),
    (
        r"Preempted|ReservationCancelled|ReservationReassigned",
        GpuOutcome.NO_CAPACITY,
        "The cluster took the GPU back: run again",
    ),
    (
        r"OOMKilled",
        GpuOutcome.BAD_RUN,
        "The pod ran out of memory: raise gpu.memory in stack.toml, or make the tests use less",
    ),
    (
        r"DeadlineExceeded",
        GpuOutcome.BAD_RUN,
        "The pod reached its time limit: raise gpu.run-limit in stack.toml, or make the tests shorter",
    ),
    (
        r"CreateContainer\w*Error|RunContainerError|Evicted|NodeLost|NodeShutdown|Pod creation failed",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster could not run the pod: run again later, or ask the cluster's administrators",
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), outcome, sentence) for pattern, outcome, sentence in _MEANINGS)


def find_failure_reason(message: str) -> FailureReason | None:
    """Return what a message of the cluster or the launcher means, None if the gate can go on waiting."""
    for pattern, outcome, sentence in _PATTERNS:
        if pattern.search(message):
            return FailureReason(outcome=outcome, why=f"{sentence}. Its message: {message.strip()[:_MOST_QUOTED]}")
    return None


OutputType = TypeVar("OutputType", bound=msgspec.Struct)
# Pulling an image may fail at first. These events of a running pod are of the past.
_START_EVENTS = {"Failed", "BackOff"}
_NORMAL_ENDS = {None, "Completed", "Error"}  # they only repeat the script's exit code


class Phase(StrEnum):
    """The phase of a pod. NONE: there is no such pod, or its state cannot be read."""

    NONE = ""
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class _Message(msgspec.Struct, frozen=True):
    reason: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.reason, self.message) if part)


class _State(msgspec.Struct, frozen=True):
    waiting: _Message = _Message()
    terminated: _Message = _Message()


class _Container(msgspec.Struct, frozen=True):
    state: _State = _State()


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    reason: str | None = None
    message: str | None = None
    container_statuses: tuple[_Container, ...] = ()


class _Pod(msgspec.Struct, frozen=True):
    status: _Status = _Status()


class _Events(msgspec.Struct, frozen=True):
    items: tuple[_Message, ...] = ()


class PodState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the pod. `waiting_for` is the cluster's last message on a pod that waits."""

    phase: Phase = Phase.NONE
    failure: FailureReason | None = None
    waiting_for: str = ""


def read_pod(pod: bytes, events: bytes) -> PodState:
    """Read the output of the two queries, `pod_query` and `events_query`."""
    status = _decode(pod, _Pod).status
    phase = Phase(status.phase) if status.phase in set(Phase) else Phase.NONE
    waits = phase in {Phase.NONE, Phase.PENDING}
    events_now = [one for one in _decode(events, _Events).items if waits or one.reason not in _START_EVENTS]
    messages = [
        *(container.state.waiting for container in status.container_statuses),
        *(container.state.terminated for container in status.container_statuses),
        _Message(status.reason, status.message),
        *events_now,
    ]
    found = (find_failure_reason(str(message)) for message in messages if message.reason not in _NORMAL_ENDS)
    # The most specific reason first, which another attempt cannot change: of a missing image, the pod itself says only
    # "back-off".
    failures = sorted((one for one in found if one), key=lambda one: one.outcome is not GpuOutcome.BAD_RUN)
    return PodState(
        phase=phase,
        failure=next(iter(failures), None),
        waiting_for=str(events_now[-1]) if events_now else "",
    )


def _decode(output: bytes, kind: type[OutputType]) -> OutputType:
    try:
        return msgspec.json.decode(output, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return kind()
