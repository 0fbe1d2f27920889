"""What ran when, as bars whose places and widths are percent of the run's time."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from ci import units
from ci.reports.lanes import TimedTask, critical_path, describe_task, run_seconds, task_row, timed_rows
from ci.results import RunReport, StepResult
from ci.texts import shorten
from ci.timing import TaskKind, TaskReport, busy_seconds

_FAMILIES: Mapping[TaskKind, str] = {
    TaskKind.STAGE: "build",
    TaskKind.IMAGE: "build",
    TaskKind.SUITE: "test",
    TaskKind.TOOLS: "test",
    TaskKind.FETCH: "registry",
    TaskKind.UPLOAD: "registry",
    TaskKind.ATTEST: "registry",
    TaskKind.PUBLISH: "registry",
    TaskKind.DESCRIBE: "other",
    TaskKind.MEASURE: "other",
}
_COMMAND_SHOWN = 80
_LEAST_SHOWN = 0.002
"""The share of the run from which on a wait is shown."""
_TICKS = 5
_INTERVALS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class Bar(NamedTuple):
    """One bar. `left` and `width` are percent, `key` says what of report.json it is: `3` a task, `3.1` a step of it."""

    look: str
    left: str
    width: str
    title: str
    key: str


class Row(NamedTuple):
    """One image, or a task of none. `took` and `waited` are words, `waited` empty if it did not wait for a slot."""

    name: str
    took: str
    waited: str
    failed: bool
    lanes: Sequence[Sequence[Bar]]


class TaskLine(NamedTuple):
    """A task or step as a line of the table."""

    row: str
    what: str
    started: str
    waited: str
    seconds: str
    result: str


class Timeline(NamedTuple):
    """All of the drawing. `ticks` are places in percent with their words, `path` the critical path as words.

    `looks` are those of all bars, for the legend.
    """

    rows: Sequence[Row]
    ticks: Sequence[tuple[str, str]]
    path: Sequence[tuple[str, str]]
    path_waited: str
    lines: Sequence[TaskLine]
    looks: frozenset[str]


def make_timeline(report: RunReport) -> Timeline:
    """Return the timeline of a run."""
    whole = run_seconds(report)
    path = critical_path(report.tasks)
    rows = timed_rows(report)
    drawn = [_row(name, lanes, whole, frozenset(path)) for name, lanes in rows.items()]
    on_path = [report.tasks[place] for place in path]
    return Timeline(
        rows=drawn,
        ticks=_ticks(whole),
        path=_path(on_path),
        path_waited=_waited(sum(task.started - task.ready for task in on_path), whole),
        lines=[line for lanes in rows.values() for line in _lines(lanes, frozenset(path))],
        looks=frozenset(look for row in drawn for lane in row.lanes for bar in lane for look in bar.look.split()),
    )


def _row(name: str, lanes: Sequence[Sequence[TimedTask]], whole: float, path: frozenset[int]) -> Row:
    tasks = [timed.task for lane in lanes for timed in lane]
    return Row(
        name=name,
        took=units.seconds(busy_seconds([(task.started, task.started + task.seconds) for task in tasks])),
        waited=_waited(busy_seconds([(task.ready, task.started) for task in tasks]), whole),
        failed=not all(task.ok for task in tasks),
        lanes=[[bar for timed in lane for bar in _bars(timed, whole, path)] for lane in lanes],
    )


def _bars(timed: TimedTask, whole: float, path: frozenset[int]) -> Iterator[Bar]:
    task = timed.task
    parts = [
        ("parent", timed.waits_from, task.ready, f"waits for {timed.awaited}"),
        ("slot", task.ready, task.started, f"{describe_task(task)} waits for a free slot"),
    ]
    for look, start, end, what in parts:
        if (end - start) / whole >= _LEAST_SHOWN:
            yield _bar(look, start, end - start, whole, what, "")
    critical = " critical" if timed.place in path else ""
    look = f"{_FAMILIES[task.kind]}{critical}{'' if task.ok else ' failed'}"
    title = f"{describe_task(task)}{'' if task.ok else ' FAILED'}"
    # A stage with steps is their ground: it is seen where no step runs.
    yield _bar(f"{look} stage" if timed.steps else look, task.started, task.seconds, whole, title, f"{timed.place}")
    for number, step in timed.steps:
        step_look = f"step {_FAMILIES[task.kind]}{critical}{' failed' if step.failed else ''}"
        what = f"{_step(step)}{' FAILED' if step.failed else ''}"
        yield _bar(step_look, step.started, step.seconds, whole, what, f"{timed.place}.{number}")


def _bar(look: str, start: float, seconds: float, whole: float, what: str, key: str) -> Bar:  # noqa: PLR0913, PLR0917 (a bar's six sides)
    return Bar(look, _percent(start / whole), _percent(seconds / whole), f"{what}, {units.seconds(seconds)}", key)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".")


def _step(step: StepResult) -> str:
    line = f" (line {step.line})" if step.line else ""
    return f"{shorten(' '.join(step.command.split()), _COMMAND_SHOWN)}{line}"


def _waited(seconds: float, whole: float) -> str:
    return units.seconds(seconds) if seconds / whole >= _LEAST_SHOWN else ""


def _ticks(whole: float) -> Sequence[tuple[str, str]]:
    interval = next((one for one in _INTERVALS if whole / one <= _TICKS), _INTERVALS[-1])
    while whole / interval > _TICKS:
        interval *= 2
    return [(_percent(tick * interval / whole), _clock(tick * interval)) for tick in range(int(whole / interval) + 1)]


def _clock(seconds: float) -> str:
    """Return a time of the run: `0:30`, `1:02:30`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _path(tasks: Sequence[TaskReport]) -> Sequence[tuple[str, str]]:
    """Return the rows that the critical path goes through, each with how long it was there."""
    return [(row, units.seconds(sum(task.seconds for task in group))) for row, group in groupby(tasks, key=task_row)]


def _lines(lanes: Sequence[Sequence[TimedTask]], path: frozenset[int]) -> Iterator[TaskLine]:
    for timed in sorted((timed for lane in lanes for timed in lane), key=lambda one: one.place):
        task = timed.task
        words = ["ok" if task.ok else "FAILED", *(["critical path"] if timed.place in path else [])]
        yield TaskLine(
            row=task_row(task),
            what=describe_task(task),
            started=_clock(task.started),
            waited=units.seconds(task.started - task.ready),
            seconds=units.seconds(task.seconds),
            result=", ".join(words),
        )
        for _, step in timed.steps:
            took, result = units.seconds(step.seconds), "FAILED" if step.failed else "ok"
            yield TaskLine("", _step(step), _clock(step.started), "", took, result)
