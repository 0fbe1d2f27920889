"""What kubectl says of the gate's pod. Whatever cannot be read says nothing: it can only ever end an attempt early."""

from enum import StrEnum
from typing import TypeVar

import msgspec

from ci.promotion.gpu_trouble import Trouble, find_trouble
from ci.promotion.gpu_verdict import GpuOutcome

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
    trouble: Trouble | None = None
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
    found = (find_trouble(str(words)) for words in said if words.reason not in _NORMAL_ENDS)
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
