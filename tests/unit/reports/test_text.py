import re

from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.reports.text import render_plan, render_run
from ci.results import Failure, ImageReport, Outcome, RunReport
from ci.stack.image import SuiteKind
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome, TestResult
from ci.texts import LAST_LINES
from tests.unit.reports.plans import planned

PLAN = Plan(images=(planned("base"), planned("ds", "base"), planned("r", "base"), planned("ml", "ds")))
BROKEN = Failure(
    path="images/r/Dockerfile",
    line=5,
    instruction="RUN apt-get install nonesuch",
    message="exit code 100",
    exit_code=100,
    output="\n".join(f"line {number}" for number in range(1, 41)),
)


def run_report(*images: ImageReport) -> RunReport:
    return RunReport(plan=PLAN, images=images, started="2026-01-01T00:00:00+00:00", seconds=83.4, jobs=2)


def test_the_plan_is_a_tree_with_reasons() -> None:
    assert (
        render_plan(PLAN)
        == """\
image       action    reason                    depends on
----------  --------  ------------------------  --------------------
base        build     the whole stack is built  debian:bookworm-slim
├── ds      build     the whole stack is built
│   └── ml  build     the whole stack is built
└── r       build     the whole stack is built

4 images, 4 to build"""
    )


def test_the_plan_shows_copies_between_images_and_suites() -> None:
    tools = planned("tools", needs=("base",), foreign_bases=(), suites=("common/image", "tools/server"))
    text = render_plan(Plan(images=(planned("base"), tools)))
    assert "copies from base      server" in text
    assert text.endswith("tested by its own suites and those of all its ancestors, and common/image.")


def test_an_image_called_common_has_suites_of_its_own() -> None:
    suites = ("tests_common/image", "common/server")
    text = render_plan(Plan(images=(planned("common", suites=suites), planned("ds", "common", suites=suites))))
    assert text.endswith("tested by its own suites and those of all its ancestors, and tests_common/image.")


def test_a_red_run_says_what_failed_and_what_that_stopped() -> None:
    text = render_run(
        run_report(
            ImageReport(name="base", outcome=Outcome.BUILT, seconds=23.4, size=812_300_000),
            ImageReport(name="ds", outcome=Outcome.BUILT, seconds=52, size=2_131_500_000),
            ImageReport(name="r", outcome=Outcome.FAILED, seconds=3.2, failure=BROKEN),
            ImageReport(name="ml", outcome=Outcome.BLOCKED, blocked_by="ds"),
        )
    )
    table, total, failure = text.split("\n\n")
    assert table.splitlines()[2:] == [
        "base        the whole stack is built  23 s       812 MB  no suites  built",
        "├── ds      the whole stack is built  52 s       2.1 GB  no suites  built",
        "│   └── ml  the whole stack is built  -          -                  BLOCKED by ds",
        "└── r       the whole stack is built  3.2 s      -                  FAILED at line 5",
    ]
    assert total == "The run FAILED: 4 images: 2 built, 1 failed, 1 blocked in 1 min 23 s."
    head = ["r failed: images/r/Dockerfile:5", "  RUN apt-get install nonesuch", "  exit code 100"]
    assert failure.splitlines()[:3] == head
    assert (
        failure.splitlines()[3]
        == "  the last 30 of 40 lines of its output (all are in logs/r/build.log of the report):"
    )
    assert failure.splitlines()[4:] == [f"  | line {number}" for number in range(11, 41)]
    assert len(failure.splitlines()) == 4 + LAST_LINES


def test_a_green_run_ends_with_its_total() -> None:
    text = render_run(run_report(*(ImageReport(name=image.name, outcome=Outcome.BUILT) for image in PLAN.images)))
    assert text.splitlines()[-1] == "4 images: 4 built in 1 min 23 s."


def test_suites_that_were_not_run_are_shown() -> None:
    reused = planned("r", suites=(), action=Action.REUSE, digest="sha256:d")
    images = (planned("base", suites=("common/image",)), planned("ml", suites=("ml/gpu",)), reused)
    report = RunReport(
        plan=Plan(images=images),
        images=tuple(ImageReport(name=image.name, outcome=Outcome.BUILT) for image in images),
        started="2026-01-01T00:00:00+00:00",
        seconds=1,
        jobs=2,
    )
    assert [re.split("  +", row)[-2] for row in render_run(report).splitlines()[2:5]] == [
        "not run",
        "no suites",
        "no suites",
    ]


def test_a_flaky_test_is_named_though_the_run_is_green() -> None:
    flaky = TestResult(name="test_a.py::test_b", outcome=TestOutcome.FLAKY, text="E   Stale")
    suite = SuiteReport(origin="base", kind=SuiteKind.SERVER, folder="f", outcome=SuiteOutcome.PASSED, tests=(flaky,))
    text = render_run(
        RunReport(
            plan=Plan(images=(planned("base", suites=("base/server",)),)),
            images=(ImageReport(name="base", outcome=Outcome.BUILT, suites=(suite,)),),
            started="2026-01-01T00:00:00+00:00",
            seconds=1,
            jobs=2,
        )
    )
    assert "1 image: 1 built in 1.0 s." in text
    assert text.endswith("base: base/server: test_a.py::test_b flaky\n  | E   Stale")


def test_a_plan_counts_what_is_reused_and_what_is_tested_again() -> None:
    reused = planned("ds", "base", action=Action.REUSE, digest="sha256:d", retest=True)
    kept = planned("ml", "ds", action=Action.REUSE, digest="sha256:e")
    text = render_plan(Plan(images=(planned("base"), reused, kept)))
    assert "3 images, 1 to build, 2 to reuse, 1 of these to test again" in text


def test_a_long_reason_is_shown_below_the_table_once() -> None:
    why = f"registry did not answer: {'really ' * 20}nothing"
    text = render_plan(Plan(images=(planned("base", reason=why), planned("ds", "base", reason=why))))
    assert text.endswith(f"\n\nbase, ds: {why}")
    assert max(len(line) for line in text.splitlines()[:4]) < 120


def test_a_run_shows_what_is_reused_and_what_could_not_be_uploaded() -> None:
    plan = Plan(images=(planned("base", action=Action.REUSE, digest="sha256:d"), planned("ds", "base")))
    images = (
        ImageReport(name="base", outcome=Outcome.REUSED, digest="sha256:d"),
        ImageReport(name="ds", outcome=Outcome.NOT_UPLOADED, seconds=3.0, failure=BROKEN),
    )
    report = RunReport(plan=plan, images=images, started="2026-01-01T00:00:00+00:00", seconds=3, jobs=2)
    text = render_run(report)
    rows = [line.split() for line in text.splitlines()]
    assert ["base", "the", "whole", "stack", "is", "built", "-", "-", "no", "suites", "reused"] in rows
    assert "NOT UPLOADED" in text
    assert "The run FAILED: 2 images: 1 reused, 1 not uploaded in 3.0 s." in text
