"""What kubectl says of the gate's pod. Whatever cannot be read says nothing: it can only ever end an attempt early."""

import re
from enum import StrEnum
from typing import TypeVar

import msgspec

from ci.gpu_gate.verdict import GpuOutcome

_MOST_WORDS = 300


class FailureReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt cannot become a proof."""

    outcome: GpuOutcome
    why: str


# A lease that waiting does not bring; denied ones are told apart by the reason that is quoted.
_REFUSALS = (
    "OnDemandLeaseRejected",
    "NoReservation",
    "ReservationTooSmall",
    "is not a member of group",
    "not accessible under this group",
    "Exceeds limit of",
    "limits a single reservation",
    "is not active on",
)
# The first that matches holds. A lease that is denied for lack of capacity, and scheduling that failed, are not here:
# both are normal while a pod waits.
_MEANINGS: tuple[tuple[str, GpuOutcome, str], ...] = (
    (
        r"InvalidImageName|(?i:pull).*(?i:not found|manifest unknown|denied|unauthorized|forbidden)",
        GpuOutcome.BAD_RUN,
        "The cluster cannot fetch the image: make sure that this digest is published, and readable without a login",
    ),
    (
        r"ErrImagePull|ImagePullBackOff|RegistryUnavailable|Failed to pull image|Back-off pulling image",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster failed to fetch the image: run again later, or ask those who run the cluster",
    ),
    (
        r"[Ee]xceeded quota|quota exceeded",
        GpuOutcome.NO_CAPACITY,
        "The account has no GPU left: another pod of it runs or still ends; see `kubectl get pods`, then run again",
    ),
    (
        r"UnknownGpuClass|is not a GPU class",
        GpuOutcome.BAD_RUN,
        "The cluster has no such class of GPUs: correct gpu.gpu-class in stack.toml",
    ),
    (
        "|".join(_REFUSALS),
        GpuOutcome.BAD_RUN,
        "The account will never get this GPU: correct gpu.workspace, gpu.gpu-class or gpu.gpus in stack.toml",
    ),
    (
        r"Preempted|ReservationCancelled|ReservationReassigned",
        GpuOutcome.NO_CAPACITY,
        "The cluster took the GPU back: run again",
    ),
    (
        r"OOMKilled",
        GpuOutcome.BAD_RUN,
        "The pod ran out of memory: raise gpu.memory in stack.toml, or have the tests use less",
    ),
    (
        r"DeadlineExceeded",
        GpuOutcome.BAD_RUN,
        "The pod came to its time limit: raise gpu.run-limit in stack.toml, or make the tests shorter",
    ),
    (
        r"CreateContainer\w*Error|RunContainerError|Evicted|NodeLost|NodeShutdown|Pod creation failed",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster could not run the pod: run again later, or ask those who run the cluster",
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), outcome, sentence) for pattern, outcome, sentence in _MEANINGS)


def find_failure_reason(words: str) -> FailureReason | None:
    """Return what these words of the cluster or the launcher mean, None if one can go on waiting."""
    for pattern, outcome, sentence in _PATTERNS:
        if pattern.search(words):
            return FailureReason(outcome=outcome, why=f"{sentence}. It said: {words.strip()[:_MOST_WORDS]}")
    return None


AnswerType = TypeVar("AnswerType", bound=msgspec.Struct)
# Fetching an image may fail at first; of a pod that runs, these tell what is over.
_BEGINNINGS = {"Failed", "BackOff"}
_NORMAL_ENDS = {None, "Completed", "Error"}  # what a script's own exit code makes of it


class Phase(StrEnum):
    """How far a pod is. NONE: there is no such pod, or nothing was understood."""

    NONE = ""
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class _Words(msgspec.Struct, frozen=True):
    reason: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.reason, self.message) if part)


class _State(msgspec.Struct, frozen=True):
    waiting: _Words = _Words()
    terminated: _Words = _Words()


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
    items: tuple[_Words, ...] = ()


class PodState(msgspec.Struct, frozen=True, kw_only=True):
    """A look at the pod. `waits_for` is the last that the cluster said of a pod that waits."""

    phase: Phase = Phase.NONE
    trouble: FailureReason | None = None
    waits_for: str = ""


def read_pod(pod: bytes, events: bytes) -> PodState:
    """Return what the answers to the two questions of `gpu_command` say."""
    status = _decode(pod, _Pod).status
    phase = Phase(status.phase) if status.phase in set(Phase) else Phase.NONE
    waits = phase in {Phase.NONE, Phase.PENDING}
    happened = [one for one in _decode(events, _Events).items if waits or one.reason not in _BEGINNINGS]
    said = [
        *(container.state.waiting for container in status.container_statuses),
        *(container.state.terminated for container in status.container_statuses),
        _Words(status.reason, status.message),
        *happened,
    ]
    found = (find_failure_reason(str(words)) for words in said if words.reason not in _NORMAL_ENDS)
    # What waiting or trying again cannot mend comes first: "back-off" is all that a pod itself says of a missing image.
    troubles = sorted((one for one in found if one), key=lambda one: one.outcome is not GpuOutcome.BAD_RUN)
    return PodState(
        phase=phase,
        trouble=next(iter(troubles), None),
        waits_for=str(happened[-1]) if happened else "",
    )


def _decode(answer: bytes, kind: type[AnswerType]) -> AnswerType:
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return kind()
