"""When the tasks of a run ran, and what each of them waited for. No clock."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class TaskKind(StrEnum):
    """What a task of a run does.

    FETCH pulls a published image, DESCRIBE reads what is in an image, MEASURE how large its layers are, TOOLS builds
    the test container, ATTEST attaches to an image that it passed its tests and what is in it, PUBLISH writes the
    tags of the stack when all others have ended.
    """

    FETCH = "fetch"
    STAGE = "stage"
    IMAGE = "image"
    DESCRIBE = "describe"
    MEASURE = "measure"
    UPLOAD = "upload"
    TOOLS = "tools"
    SUITE = "suite"
    ATTEST = "attest"
    PUBLISH = "publish"


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """When one task ran. Times are seconds; `started` and `ready` count from the start of the run.

    `image` is empty if it belongs to none, `part` is the stage of a STAGE or `origin/kind` of a SUITE. `after` is the
    place in the report's tasks of the one it waited for longest, and `ready` the time when that had ended. From `ready`
    to `started` it waited for a free slot.
    """

    kind: TaskKind
    image: str
    part: str = ""
    ready: float = 0.0
    started: float
    seconds: float
    ok: bool = True
    after: int | None = None


def busy_seconds(spans: Sequence[tuple[float, float]]) -> float:
    """Return the length of the union of intervals `(start, end)`: overlapping time counts once."""
    total = 0.0
    reached = float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def last_ended(tasks: Sequence[TaskReport]) -> int | None:
    """Return the place of the task that ended last; None if there is none."""
    return max(range(len(tasks)), key=lambda place: tasks[place].started + tasks[place].seconds, default=None)
