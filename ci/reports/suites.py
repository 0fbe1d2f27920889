"""What a person reads about tests: counts for the table, and each failure with its last lines."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ci.results import ImageReport, SuiteOutcome, SuiteReport, TestOutcome, TestResult

_SHOWN = 20
"""Failures shown for an image; the report has them all."""


def count_tests(suites: Sequence[SuiteReport]) -> str:
    """Write `41 passed, 2 skipped, 1 flaky`, worst last; and how many suites did not come to a verdict by tests."""
    counts = Counter(test.outcome for suite in suites for test in suite.tests)
    parts = [f"{counts[outcome]} {outcome}" for outcome in _ORDER if counts[outcome]]
    for outcome in (SuiteOutcome.EMPTY, SuiteOutcome.ERROR):
        number = sum(suite.outcome is outcome for suite in suites)
        if number:
            parts.append(f"{number} suite{'' if number == 1 else 's'} {outcome}")
    return ", ".join(parts)


_ORDER = (
    TestOutcome.PASSED,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.FLAKY,
    TestOutcome.UNFINISHED,
    TestOutcome.ERROR,
    TestOutcome.FAILED,
)


def render_failures(image: ImageReport) -> Iterator[str]:
    """Write a block for each suite of an image that did not pass, and for each of its tests that failed or is flaky."""
    shown = 0
    for suite in image.suites:
        yield from (_render_test(image, suite, test) for test in suite.tests if test.outcome is TestOutcome.FLAKY)
        if suite.outcome is SuiteOutcome.PASSED:
            continue
        log = f"logs/{image.name}/{suite.file}.log of the report"
        failed = [test for test in suite.tests if not test.outcome.ok]
        yield "\n".join(
            [f"{image.name}: suite {suite.name} {suite.outcome}: {suite.why} ({log})", *_end_of_log(suite, failed)]
        )
        for test in failed[: max(0, _SHOWN - shown)]:
            yield _render_test(image, suite, test)
        shown += len(failed)
    if shown > _SHOWN:
        yield f"{image.name}: {shown - _SHOWN} more tests failed."


def _render_test(image: ImageReport, suite: SuiteReport, test: TestResult) -> str:
    lines = [f"  | {line}" for line in test.text.splitlines()]
    return "\n".join([f"{image.name}: {suite.name}: {test.name} {test.outcome}", *lines])


def _end_of_log(suite: SuiteReport, failed: Sequence[TestResult]) -> Sequence[str]:
    """Show the log where no test tells what went wrong."""
    if any(test.text for test in failed):
        return ()
    return tuple(f"  | {line[:500]}" for line in suite.log.rstrip().splitlines()[-_SHOWN:])
