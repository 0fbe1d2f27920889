"""A run as a trace for https://ui.perfetto.dev or chrome://tracing: a row an image, in the Trace Event Format.

https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from collections.abc import Iterator

import msgspec

from ci.reports.lanes import TimedTask, critical_path, describe_task, timed_rows
from ci.results import RunReport
from ci.texts import printable, shorten

_PROCESS = 1
_NAME_SHOWN = 200


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event; `ts` and `dur` are microseconds."""

    ph: str
    name: str
    pid: int
    tid: int
    ts: int | None = None
    dur: int | None = None
    cat: str = ""
    args: dict[str, str | int | bool] = {}


def render_trace(report: RunReport) -> str:
    """Return the trace as JSON. Tasks of an image that overlap get rows of their own: slices of a row must nest."""
    events = [_named("process_name", 0, f"stack run of {report.started}")]
    path = frozenset(critical_path(report.tasks))
    row = 0
    for name, lanes in timed_rows(report).items():
        for number, lane in enumerate(lanes, 1):
            row += 1
            events.append(_named("thread_name", row, name if number == 1 else f"{name} ({number})"))
            # Perfetto sorts rows by name otherwise.
            events.append(_Event(pid=_PROCESS, ph="M", name="thread_sort_index", tid=row, args={"sort_index": row}))
            for timed in lane:
                events.extend(_of_task(timed, row, critical=timed.place in path))
    return msgspec.json.encode({"displayTimeUnit": "ms", "traceEvents": events}).decode() + "\n"


def _named(kind: str, row: int, name: str) -> _Event:
    return _Event(pid=_PROCESS, ph="M", name=kind, tid=row, args={"name": name})


def _of_task(timed: TimedTask, row: int, *, critical: bool) -> Iterator[_Event]:
    task = timed.task
    what = describe_task(task)
    if task.ready > timed.waits_from:
        yield _slice(f"waits for {timed.awaited}", "wait", row, timed.waits_from, task.ready, {"task": what})
    if task.started > task.ready:
        yield _slice("waits for a free slot", "wait", row, task.ready, task.started, {"task": what})
    yield _slice(what, task.kind, row, task.started, timed.ended, {"ok": task.ok, "critical path": critical})
    for _, step in timed.steps:
        command = printable(step.command)
        arguments: dict[str, str | int | bool] = {"command": command, "line": step.line, "ok": not step.failed}
        ended = min(step.started + step.seconds, timed.ended)
        yield _slice(shorten(" ".join(command.split()), _NAME_SHOWN), "step", row, step.started, ended, arguments)


def _slice(  # noqa: PLR0913, PLR0917 (an event's fields)
    name: str, category: str, row: int, start: float, end: float, arguments: dict[str, str | int | bool]
) -> _Event:
    begin = round(1e6 * start)
    # Both ends are rounded, so that what ends where another begins still does.
    return _Event(
        pid=_PROCESS, ph="X", name=name, cat=category, tid=row, ts=begin, dur=round(1e6 * end) - begin, args=arguments
    )
