"""What pytest's exit codes and JUnit reports prove. Pure: codes and texts in, values out."""

from collections.abc import Iterator, Mapping
from enum import IntEnum, StrEnum
from xml.etree import ElementTree as ET

import msgspec


class ExitCode(IntEnum):
    """Pytest's own exit codes, of version 9. Only the first two say that all collected tests ran."""

    OK = 0
    TESTS_FAILED = 1
    INTERRUPTED = 2
    """Stopped by a person or plugin, or not all tests could be collected."""
    INTERNAL_ERROR = 3
    USAGE_ERROR = 4
    NO_TESTS = 5
    TOO_MANY_WARNINGS = 6


# The exit codes of what runs pytest: `timeout` and the shell.
TIMED_OUT = 124
NOT_EXECUTABLE = 126
NOT_FOUND = 127
SIGNALLED = 128
"""Plus the number of the signal that killed a command."""
KILLED = SIGNALLED + 9

_MEANINGS: Mapping[int, str] = {
    ExitCode.OK: "all tests passed",
    ExitCode.TESTS_FAILED: "tests failed",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.INTERNAL_ERROR: "internal error",
    ExitCode.USAGE_ERROR: "usage error",
    ExitCode.NO_TESTS: "no tests collected",
    ExitCode.TOO_MANY_WARNINGS: "too many warnings",
}
_OTHER_MEANINGS: Mapping[int, str] = {
    TIMED_OUT: "timed out",
    NOT_EXECUTABLE: "command cannot be executed",
    NOT_FOUND: "command not found",
}
_SIGNALS: Mapping[int, str] = {
    6: "SIGABRT",
    9: "SIGKILL, often out of memory",
    11: "SIGSEGV, a segmentation fault",
    15: "SIGTERM",
}


def describe_exit_code(code: int) -> str:
    """Write an exit code for a person: `too many warnings (pytest exit code 6)`."""
    if code in _MEANINGS:
        return f"{_MEANINGS[code]} (pytest exit code {code})"
    if code > SIGNALLED:
        signal = _SIGNALS.get(code - SIGNALLED, f"signal {code - SIGNALLED}")
        return f"killed by {signal} (exit code {code})"
    if code in _OTHER_MEANINGS:
        return f"{_OTHER_MEANINGS[code]} (exit code {code})"
    return f"unknown pytest exit code {code}"


class JUnitOutcome(StrEnum):
    """How a test of a JUnit report ended, the worst last. The values are the report's element names."""

    PASSED = ""
    SKIPPED = "skipped"
    FAILED = "failure"
    ERROR = "error"


_SEVERITY = tuple(JUnitOutcome)


class JUnitTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a JUnit report."""

    classname: str | None
    name: str | None
    outcome: JUnitOutcome

    @property
    def label(self) -> str:
        """The name to show: `test_a::test_b`."""
        return "::".join(part for part in (self.classname, self.name) if part)


class JUnitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A JUnit report: each test once with its worst outcome, and the totals that the report itself states."""

    tests: tuple[JUnitTest, ...]
    stated_failures: int
    stated_errors: int

    @property
    def passed(self) -> int:
        """The number of tests that passed."""
        return self._count(JUnitOutcome.PASSED)

    @property
    def skipped(self) -> int:
        """The number of tests that were skipped."""
        return self._count(JUnitOutcome.SKIPPED)

    @property
    def failed(self) -> int:
        """The number of tests that failed; the stated total counts where it is higher."""
        return max(self._count(JUnitOutcome.FAILED), self.stated_failures)

    @property
    def errors(self) -> int:
        """The number of tests with an error; the stated total counts where it is higher."""
        return max(self._count(JUnitOutcome.ERROR), self.stated_errors)

    @property
    def bad_tests(self) -> tuple[str, ...]:
        """The labels of the tests that failed or had an error."""
        return tuple(test.label for test in self.tests if test.outcome in {JUnitOutcome.FAILED, JUnitOutcome.ERROR})

    def _count(self, outcome: JUnitOutcome) -> int:
        return sum(1 for test in self.tests if test.outcome is outcome)


def read_junit(content: str | bytes) -> JUnitReport:
    """Read a JUnit report. A test that was run twice counts once. Raises ValueError for anything else than XML."""
    try:
        # S314: expat since 2.4.1 (2021) stops entity bombs itself.
        root = ET.fromstring(content)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: of an unknown encoding
        raise ValueError(str(error)) from error
    outcomes: dict[tuple[str | None, str | None], JUnitOutcome] = {}
    for test in _tests(root):
        key = test.classname, test.name
        outcomes[key] = max(test.outcome, outcomes.get(key, test.outcome), key=_SEVERITY.index)
    return JUnitReport(
        tests=tuple(
            JUnitTest(classname=classname, name=name, outcome=outcome)
            for (classname, name), outcome in outcomes.items()
        ),
        stated_failures=_stated(root, "failures"),
        stated_errors=_stated(root, "errors"),
    )


def _tests(root: ET.Element) -> Iterator[JUnitTest]:
    for case in root.iter("testcase"):
        for tag in [child.tag for child in case if child.tag in _SEVERITY] or [JUnitOutcome.PASSED]:
            yield JUnitTest(classname=case.get("classname"), name=case.get("name"), outcome=JUnitOutcome(tag))


def _stated(root: ET.Element, total: str) -> int:
    stated = [suite.get(total, "0") for suite in root.iter("testsuite")]
    return sum(int(number) for number in stated if number.isdecimal())
