"""What a person who watches a run sees: its log, and the tree of its spans."""

import re

import msgspec
import pytest

from ci.build.run_lines import LineFormat, failure_lines, heading, step_text
from ci.build.run_log import RunLog
from ci.build.tasks import Task
from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.results import Failure
from ci.timing import TaskKind
from tests.unit.build.fakes import FakeBuilder, FakeTester, KeptProgress, run
from tests.unit.reports.plans import planned
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio

TREE = MemoryTree(
    {
        "images/base/Dockerfile": "FROM debian:bookworm-slim\nRUN base-1\n",
        "images/base/tests/image/test_a.py": "",
        "images/r/Dockerfile": "FROM base\nRUN r-1\nRUN r-2\n",
    }
)


async def test_the_spans_are_the_run_its_images_their_work_and_their_tests() -> None:
    progress = KeptProgress()
    await run(FakeBuilder(), TREE, progress=progress)
    assert sorted(span.path for span in progress.spans) == [
        "base",
        "base / RUN base-1 (line 2)",
        "base / finish the image",
        "base / suite base/image on base",
        "build the tools for tests",
        "r",
        "r / RUN r-1 (line 2)",
        "r / RUN r-2 (line 3)",
        "r / finish the image",
        "r / suite base/image on r",
    ]
    assert all(span.ended and not span.failed for span in progress.spans)
    assert sorted(progress.tests) == [
        "base / suite base/image on base / test_a.py::test_b passed",
        "r / suite base/image on r / test_a.py::test_b passed",
    ]


async def test_a_green_run_has_a_heading_and_a_line_for_each_image_and_suite() -> None:
    progress = KeptProgress()
    await run(FakeBuilder(), TREE, progress=progress)
    head, *events = progress.lines
    assert head == (
        "2 images to build (3 instructions), 2 suites of tests to run; 2 at once. Times are minutes and seconds since "
        "2026-01-01T00:00:00+00:00."
    )
    assert sorted(re.sub(r"^00:00  |  +\d.*$", "", line) for line in events) == [
        "base  image built, 1 kB",
        "base  suite base/image: 1 passed",
        "r     image built, 1 kB",
        "r     suite base/image: 1 passed",
    ]
    assert events[-1].endswith("[8 of 8]")


async def test_a_failed_instruction_is_shown_with_its_place_and_output_and_what_it_blocks_is_counted() -> None:
    progress = KeptProgress()
    await run(FakeBuilder(failing="base-1"), TREE, progress=progress)
    assert [re.sub(r"\d\.\d s", "0.0 s", line) for line in progress.lines[1:]] == [
        "00:00  base  RUN base-1 (line 2)                                             FAILED 0.0 s  [2 of 8]",
        "       images/base/Dockerfile:2: exit code 7",
        "       | base-1 broke",
    ]
    failed = {span.path: span.failed for span in progress.spans if span.failed}
    assert failed == {"base": "exit code 7", "base / RUN base-1 (line 2)": "exit code 7"}
    assert all(span.ended for span in progress.spans)


async def test_a_failed_suite_is_shown_with_why() -> None:
    progress = KeptProgress()
    await run(FakeBuilder(), TREE, tester=FakeTester(failing="r base/image"), progress=progress)
    [line] = [line for line in progress.lines if "FAILED" in line]
    assert line[7:].startswith("r     suite base/image: 1 test failed")
    assert {span.path for span in progress.spans if span.failed} == {"r", "r / suite base/image on r"}


async def test_only_the_end_of_the_output_is_shown() -> None:
    output = "".join(f"line {number}\n" for number in range(100))
    failure = Failure(path="images/r/Dockerfile", line=7, instruction="RUN x", message="exit code 1", output=output)
    first, *shown = failure_lines(failure)
    assert first == "       images/r/Dockerfile:7: exit code 1"
    assert shown == [f"       | line {number}" for number in range(70, 100)]


def test_what_takes_long_is_said_to_be_running_each_time_it_has_taken_twice_as_long_and_every_ten_minutes() -> None:
    now = 0.0
    progress = KeptProgress()
    log = RunLog(progress, lambda: now, {Task(TaskKind.STAGE, "r", "r"): 1})
    reminders = []
    with log.work("r", "RUN sleep (line 2)"):
        for second in range(0, 3000, 5):
            now = float(second)
            before = len(progress.lines)
            log.remind()
            reminders += [second] * (len(progress.lines) - before)
    assert reminders == [60, 120, 240, 480, 960, 1560, 2160, 2760]
    assert progress.lines[1].split() == [
        "02:00",
        "r",
        "RUN",
        "sleep",
        "(line",
        "2)",
        "2",
        "min",
        "00",
        "s",
        "still",
        "running",
    ]
    assert progress.lines[-1].startswith("49:55  r  RUN sleep (line 2)")
    assert progress.lines[-1].endswith("49 min 55 s  [1 of 1]")


@pytest.mark.parametrize(("quick", "lines"), [(0.4, 0), (1.4, 1)])
def test_quick_work_is_only_counted(quick: float, lines: int) -> None:
    now = 0.0
    progress = KeptProgress()
    log = RunLog(progress, lambda: now, {Task(TaskKind.STAGE, "r", "r"): 1})
    with log.work("r", "COPY x y (line 2)") as work:
        work.quiet = True
        now = quick
    assert len(progress.lines) == lines


def test_an_image_is_shown_until_its_last_task_has_ended() -> None:
    progress = KeptProgress()
    stage, image = Task(TaskKind.STAGE, "r", "r"), Task(TaskKind.IMAGE, "r")
    log = RunLog(progress, lambda: 0.0, {stage: 1, image: 1})
    with log.work("r", "RUN x (line 2)"):
        pass
    log.task_ended(stage, 1)
    assert progress.spans[0].path == "r"
    assert not progress.spans[0].ended
    log.task_ended(image, 0)
    assert progress.spans[0].ended


def test_a_line_fits_a_log_and_long_texts_are_cut() -> None:
    lines = LineFormat.of_images(["a" * 50, "r"])
    line = lines.event(3725.0, "a" * 50, step_text(f"RUN {'x' * 200}", 14), "1 min 05 s", "9 of 23")
    assert line == (f"1:02:05  {'a' * 29}…  RUN {'x' * 45}… (line 14)      1 min 05 s  [9 of 23]")
    assert len(line) <= 130


def test_a_heading_says_what_is_reused() -> None:
    reused = msgspec.structs.replace(planned("base"), action=Action.REUSE, digest="sha256:0")
    text = heading(Plan(images=(reused, planned("r"))), steps=1, suites=0, jobs=4, started="2026-01-01T00:00:00+00:00")
    assert text.startswith("1 image to build (1 instruction), 1 image to reuse (base); 4 at once.")
