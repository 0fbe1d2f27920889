"""What ran when: percent, lanes, waits and the critical path, and the trace that is made of the same."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ci.planning.plan import Plan
from ci.reports.html.timeline import Bar, make_timeline
from ci.reports.lanes import critical_path, timed_rows
from ci.reports.trace import render_trace
from ci.results import RunReport
from ci.timing import TaskKind, TaskReport
from tests.unit.reports import runs


def bars(report: RunReport) -> dict[str, Bar]:
    """Return the bars of tasks and steps by what they are of."""
    timeline = make_timeline(report)
    return {bar.key: bar for row in timeline.rows for lane in row.lanes for bar in lane if bar.key}


def test_a_bar_is_where_its_task_was() -> None:
    drawn = bars(runs.RED)
    assert len(drawn) == len(runs.RED.tasks) + sum(len(image.steps) for image in runs.RED.images)
    for key, bar in drawn.items():
        place, _, number = key.partition(".")
        of = runs.RED.tasks[int(place)]
        step = runs.RED.by_name[of.image].steps[int(number)] if number else of
        assert float(bar.left) == pytest.approx(100 * step.started / runs.RED.seconds, abs=0.01)
        assert float(bar.width) == pytest.approx(100 * step.seconds / runs.RED.seconds, abs=0.01)


def test_the_critical_path_leads_from_the_first_task_to_the_last() -> None:
    assert critical_path(runs.RED.tasks) == [0, 2, 3, 7, 10]
    drawn = bars(runs.RED)
    critical = {int(key) for key, bar in drawn.items() if "critical" in bar.look and "." not in key}
    assert critical == {0, 2, 3, 7, 10}
    assert "critical" in drawn["0.1"].look
    assert "critical" not in drawn["4"].look


def test_waits_are_told_apart() -> None:
    row = next(row for row in make_timeline(runs.RED).rows if row.name == "r-notebook")
    waits = [(bar.look, bar.title, bar.left, bar.width) for lane in row.lanes for bar in lane if not bar.key]
    assert waits == [
        ("parent", "waits for base-notebook, 1 min 04 s", "0", "34.41"),
        ("slot", "stage build waits for a free slot, 7.0 s", "34.41", "3.76"),
    ]
    assert row.waited == "7.0 s"
    assert row.failed


def test_a_run_without_tasks_has_no_timeline() -> None:
    empty = RunReport(plan=Plan(images=()), images=(), started="T", seconds=0, jobs=1)
    assert make_timeline(empty).rows == []
    assert critical_path(()) == []


@st.composite
def tasks(draw: st.DrawFn) -> tuple[TaskReport, ...]:
    """Draw tasks in the order of their start, each after one that had ended by then."""
    made: list[TaskReport] = []
    now = 0.0
    for _ in range(draw(st.integers(0, 12))):
        now += draw(st.floats(0, 10))
        ended = [place for place, one in enumerate(made) if one.started + one.seconds <= now]
        waits = bool(ended) and draw(st.booleans())
        after = draw(st.sampled_from(ended)) if waits else None
        ready = made[after].started + made[after].seconds if after is not None else 0.0
        image = draw(st.sampled_from(("a", "b", "")))
        kinds = (TaskKind.STAGE, TaskKind.IMAGE, TaskKind.SUITE, TaskKind.UPLOAD)
        kind = draw(st.sampled_from(kinds)) if image else TaskKind.TOOLS
        seconds = draw(st.floats(0, 20))
        made.append(TaskReport(kind=kind, image=image, ready=ready, started=now, seconds=seconds, after=after))
    return tuple(made)


@given(tasks())
def test_slices_of_a_row_never_overlap_and_every_task_is_there(some: tuple[TaskReport, ...]) -> None:
    report = RunReport(plan=Plan(images=()), images=(), started="T", seconds=50, jobs=2, tasks=some)
    rows = timed_rows(report)
    assert sorted(timed.place for lanes in rows.values() for lane in lanes for timed in lane) == list(range(len(some)))
    for lanes in rows.values():
        for lane in lanes:
            assert all(first.ended <= second.waits_from for first, second in pairwise(lane))
    events = [event for event in json.loads(render_trace(report))["traceEvents"] if event["ph"] == "X"]
    for row in {event["tid"] for event in events}:
        ends = sorted((event["ts"], event["ts"] + event["dur"]) for event in events if event["tid"] == row)
        assert all(first[1] <= second[0] for first, second in pairwise(ends))


def test_a_trace_has_a_row_an_image_and_a_slice_a_task_and_step() -> None:
    trace = json.loads(render_trace(runs.RED))
    assert set(trace) == {"displayTimeUnit", "traceEvents"}
    names = [event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"]
    assert names == [
        "base-notebook", "base-notebook (2)", "base-notebook (3)", "test tools", "datascience", "datascience (2)",
        "r-notebook",
    ]  # fmt: skip
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {(event["pid"], type(event["ts"]), type(event["dur"])) for event in slices} == {(1, int, int)}
    step = next(event for event in slices if event["name"].startswith("RUN apt-get update"))
    assert (step["ts"], step["dur"], step["cat"], step["args"]["line"]) == (0, 21_000_000, "step", 3)
    failed = [event["name"] for event in slices if event["args"].get("ok") is False]
    assert failed == ["suite base-notebook/server", "stage build", "RUN apt-get install --yes r-cran-tidyvrese"]


def test_a_trace_has_no_control_characters_of_a_command() -> None:
    image = replace(runs.RED.images[0], steps=(runs.step("RUN \x1b[31mecho", 1, 0, 1),))
    assert "\\u001b" not in render_trace(replace(runs.RED, images=(image, *runs.RED.images[1:])))
