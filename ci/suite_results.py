"""How suites and their tests ended, as values. What makes a suite pass is decided in `ci.build.suite_verdict` alone."""

from enum import StrEnum

import msgspec

from ci.stack.image import Suite


class TestOutcome(StrEnum):
    """The outcome of one test. FLAKY: it failed, and passed when it was rerun in a fresh container."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "failed as expected"
    FLAKY = "flaky"
    UNFINISHED = "unfinished"

    @property
    def ok(self) -> bool:
        """Whether a suite with a test of this outcome may pass."""
        return self in {TestOutcome.PASSED, TestOutcome.SKIPPED, TestOutcome.XFAILED, TestOutcome.FLAKY}


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a suite. `name` is pytest's node id, `text` the end of its traceback, or why it was skipped."""

    name: str
    outcome: TestOutcome
    seconds: float = 0.0
    text: str = ""


class SuiteOutcome(StrEnum):
    """The outcome of a suite. ERROR: it did not finish, or there is no proof that it did. EMPTY: it has no tests."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    EMPTY = "empty"


class SuiteReport(Suite, frozen=True, kw_only=True):
    """The result of a suite on one image.

    `why` is the reason unless it passed. Times are as in StepResult. `log` is the end of pytest's output, and `junit`
    its report, if any; of the first run if the tests were rerun.
    """

    outcome: SuiteOutcome
    why: str = ""
    tests: tuple[TestResult, ...] = ()
    started: float = 0.0
    seconds: float = 0.0
    log: str = ""
    junit: str | None = None
    traceback: str = ""
    """Of an unexpected error: it is in the report's logs, not on the terminal."""
