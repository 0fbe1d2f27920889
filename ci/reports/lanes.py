"""Tasks of a run that overlap, laid out in lanes, and the chain of tasks that decided how long the run took."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ci.results import RunReport, StepResult
from ci.timing import TaskKind, TaskReport, last_ended

_BUILDING = frozenset({TaskKind.STAGE, TaskKind.IMAGE})


class TimedTask(NamedTuple):
    """A task with its waits. Times are seconds from the start of the run.

    From `waits_from` to `task.ready` it waited for another image, `awaited`; from `task.ready` to `task.started` for a
    free slot. `steps` are those of a stage, each with its place in the image's report.
    """

    place: int
    """In the report's tasks."""
    task: TaskReport
    waits_from: float
    awaited: str
    steps: Sequence[tuple[int, StepResult]]

    @property
    def ended(self) -> float:
        """When it ended."""
        return self.task.started + self.task.seconds


_NAMES = {TaskKind.TOOLS: "test tools", TaskKind.PUBLISH: "publish tags"}


def task_row(task: TaskReport) -> str:
    """Return the row of a task: its image, or what it is where it belongs to none."""
    return task.image or _NAMES.get(task.kind, task.kind)


def describe_task(task: TaskReport) -> str:
    """Return what a task does: `stage build`, `suite base/server`, `upload`."""
    return f"{task.kind} {task.part}".rstrip() if task.image else task_row(task)


def timed_rows(report: RunReport) -> Mapping[str, Sequence[Sequence[TimedTask]]]:
    """Return the tasks of each row in lanes: no two tasks of a lane overlap. Rows are in the order of their start."""
    rows: dict[str, list[TimedTask]] = {}
    for timed in _timed(report):
        rows.setdefault(task_row(timed.task), []).append(timed)
    return {row: _in_lanes(tasks) for row, tasks in rows.items()}


def critical_path(tasks: Sequence[TaskReport]) -> Sequence[int]:
    """Return the places of the tasks that each waited for the one before it, up to the one that ended last."""
    path: list[int] = []
    place = last_ended(tasks)
    while place is not None:
        path.append(place)
        place = tasks[place].after
    return path[::-1]


def run_seconds(report: RunReport) -> float:
    """Return how long the run took: at least as long as its last task; never 0, so that it can be divided by."""
    return max(report.seconds, *(task.started + task.seconds for task in report.tasks), 0.001)


def _timed(report: RunReport) -> Iterator[TimedTask]:
    steps: dict[tuple[str, str], list[tuple[int, StepResult]]] = {}
    for image in report.images:
        for number, step in enumerate(image.steps):
            steps.setdefault((image.name, step.stage), []).append((number, step))
    built: dict[str, list[float]] = {}
    for task in report.tasks:
        if task.kind in _BUILDING:
            built.setdefault(task.image, []).append(task.started + task.seconds)
    for place, task in enumerate(report.tasks):
        after = report.tasks[task.after] if task.after is not None else None
        other = after is not None and after.image != task.image and bool(task.image)
        # It waits for the other image from when its own build was done with.
        own = max((end for end in built.get(task.image, ()) if end <= task.ready), default=0.0)
        yield TimedTask(
            place=place,
            task=task,
            waits_from=own if other else task.ready,
            awaited=task_row(after) if after and other else "",
            steps=steps.get((task.image, task.part), ()) if task.kind is TaskKind.STAGE else (),
        )


def _in_lanes(tasks: Sequence[TimedTask]) -> Sequence[Sequence[TimedTask]]:
    lanes: list[list[TimedTask]] = []
    for timed in sorted(tasks, key=lambda one: (one.waits_from, one.place)):
        free = next((lane for lane in lanes if lane[-1].ended <= timed.waits_from), None)
        if free is None:
            lanes.append([timed])
        else:
            free.append(timed)
    return lanes
