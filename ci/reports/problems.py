"""What went wrong in a run, as values that each report shows in its own form: builds, suites, tests, publication."""

from collections.abc import Iterator, Sequence

import msgspec

from ci.contents.budgets import ImageVerdict
from ci.reports.budgets import over_budget_message, verdict_word
from ci.results import ImageReport, RunReport
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome, TestResult


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong.

    `subject` is what it happened to, `state` the word for how it ended, `place` a file of the source tree, with a line
    if known, and `log` the file of the report with the whole output. `picture` is where the report has the picture of
    a browser test, if it left one. `test` tells the tests of a suite apart.
    """

    image: str
    subject: str
    state: str
    place: str = ""
    line: int = 0
    command: str = ""
    message: str = ""
    output: str = ""
    log: str = ""
    again: str = ""
    """The arguments of `dagger call` that try it again."""
    picture: str = ""
    suite: str = ""
    test: str = ""
    blocks: Sequence[str] = ()
    """The images that were not built because of it."""

    @property
    def location(self) -> str:
        """File and line: `images/r/Dockerfile:12`."""
        return f"{self.place}:{self.line}" if self.line else self.place


def find_problems(report: RunReport) -> Sequence[Problem]:
    """Return what went wrong: builds and uploads first, then budgets, the publication, and suites and tests."""
    builds = [_build(report, image) for image in report.images if image.failure]
    budgets = [_budget(verdict) for verdict in report.budgets if not verdict.verdict.ok]
    suites = [problem for image in report.images for problem in _suites(image)]
    return [*builds, *budgets, *_publication(report), *suites]


def find_flaky(report: RunReport) -> Sequence[Problem]:
    """Return the tests that failed first and passed when they were run again."""
    return [
        _test(image, suite, test)
        for image in report.images
        for suite in image.suites
        for test in suite.tests
        if test.outcome is TestOutcome.FLAKY
    ]


def suite_log(image: str, suite: SuiteReport) -> str:
    """Return where the report has the log of a suite."""
    return f"logs/{image}/{suite.file}.log"


def build_log(image: str) -> str:
    """Return where the report has the log of an image's build."""
    return f"logs/{image}/build.log"


def picture_path(image: str, suite: SuiteReport, test: TestResult) -> str:
    """Return where the report has the picture of a failed browser test: `server_fixtures` calls it as the test."""
    function, bracket, parameters = test.name.partition("[")
    return f"logs/{image}/{suite.file}/{function.rpartition('::')[2]}{bracket}{parameters}.png"


def _build(report: RunReport, image: ImageReport) -> Problem:
    failure = image.failure
    assert failure is not None, "called for images with a failure"  # noqa: S101 (as it says)
    return Problem(
        image=image.name,
        subject=image.name,
        state=image.outcome,
        place=failure.path,
        line=failure.line,
        command=failure.instruction,
        message=failure.message,
        output=failure.output,
        log=build_log(image.name),
        again=f"build-stack --only {image.name}",
        blocks=[other.name for other in report.images if other.blocked_by == image.name],
    )


def _budget(verdict: ImageVerdict) -> Problem:
    return Problem(
        image=verdict.image,
        subject=verdict.image,
        state=verdict_word(verdict.verdict),
        message=over_budget_message(verdict),
    )


def _publication(report: RunReport) -> Iterator[Problem]:
    published = report.publication
    if published and published.failure:
        yield Problem(
            image="",
            subject=f"publication as {published.tag}",
            state="failed",
            message=published.failure,
            log="logs/publish.log" if published.traceback else "",
        )


def _suites(image: ImageReport) -> Iterator[Problem]:
    for suite in image.suites:
        failed = [test for test in suite.tests if not test.outcome.ok]
        if suite.outcome is not SuiteOutcome.PASSED and (not failed or suite.outcome is SuiteOutcome.ERROR):
            yield Problem(
                image=image.name,
                subject=f"suite {suite.name}",
                state=suite.outcome,
                place=suite.folder,
                message=suite.why,
                output="" if any(test.text for test in failed) else suite.log,
                log=suite_log(image.name, suite),
                again=_again(image, suite),
                suite=suite.name,
            )
        yield from (_test(image, suite, test) for test in failed)


def _test(image: ImageReport, suite: SuiteReport, test: TestResult) -> Problem:
    return Problem(
        image=image.name,
        subject=test.name,
        state=test.outcome,
        place=f"{suite.folder}/{test.name.partition('::')[0]}",
        output=test.text,
        log=suite_log(image.name, suite),
        again=_again(image, suite),
        picture=picture_path(image.name, suite, test),
        suite=suite.name,
        test=test.name,
    )


def _again(image: ImageReport, suite: SuiteReport) -> str:
    return f"test --image {image.name} --suite {suite.name}"
