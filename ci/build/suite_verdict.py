"""Judges a suite by the output of its run. Pure: texts in, a verdict out, and green only on proof.

The proof is: pytest ended by itself with exit code 0, the record has a result for every collected test, the JUnit
report agrees, and at least one test passed.
"""

import msgspec

from ci.build.suite_ports import SuiteOutput
from ci.pytest_results import NOT_FOUND, SIGNALLED, TIMED_OUT, ExitCode, describe_exit_code, read_junit
from ci.suite_results import SuiteOutcome, TestOutcome, TestResult

_OLD_PYTHON = 71
"""The exit code of our script for a python3 that is too old."""
_INCOMPLETE = {ExitCode.INTERRUPTED, ExitCode.INTERNAL_ERROR, ExitCode.USAGE_ERROR, ExitCode.TOO_MANY_WARNINGS}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite ended, why unless it passed, and its tests."""

    outcome: SuiteOutcome
    why: str
    tests: tuple[TestResult, ...]


class _Line(msgspec.Struct, frozen=True, tag_field="event"):
    """A line of the record that `ci/test_container/suite_recorder.py` writes."""


class _Collected(_Line, frozen=True, tag="collected"):
    tests: tuple[str, ...]


class _NotCollected(_Line, frozen=True, tag="not collected"):
    where: str
    text: str


class _Start(_Line, frozen=True, tag="start"):
    test: str


class _Phase(_Line, frozen=True, tag="phase"):
    test: str
    when: str
    outcome: str
    seconds: float
    text: str
    expected_failure: bool


class _End(_Line, frozen=True, tag="end"):
    exit_code: int


_Event = _Collected | _NotCollected | _Start | _Phase | _End


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    collected: tuple[str, ...]
    uncollected: tuple[str, ...]
    tests: tuple[TestResult, ...]
    ended: int | None

    @property
    def running(self) -> str:
        names = [test.name for test in self.tests if test.outcome is TestOutcome.UNFINISHED]
        return f" while {names[-1]} was running" if names else ""


def judge(output: SuiteOutput, limit: float) -> Verdict:
    """Judge one run of a suite that had `limit` seconds."""
    record = _read(output.record)
    why = _unfinished(output, record, limit) or _incomplete(record)
    if why:
        return Verdict(outcome=SuiteOutcome.ERROR, why=why, tests=record.tests)
    if output.exit_code == ExitCode.NO_TESTS or not record.collected:
        return Verdict(outcome=SuiteOutcome.EMPTY, why="no tests collected", tests=())
    why = _unproved(output, record)
    if why:
        return Verdict(outcome=SuiteOutcome.ERROR, why=why, tests=record.tests)
    return _of_tests(record.tests)


def _of_tests(tests: tuple[TestResult, ...]) -> Verdict:
    failed = [test.name for test in tests if not test.outcome.ok]
    if failed:
        noun = "test" if len(failed) == 1 else "tests"
        return Verdict(outcome=SuiteOutcome.FAILED, why=f"{len(failed)} {noun} failed", tests=tests)
    if not any(test.outcome in {TestOutcome.PASSED, TestOutcome.FLAKY} for test in tests):
        return Verdict(outcome=SuiteOutcome.FAILED, why="no test passed: all were skipped", tests=tests)
    return Verdict(outcome=SuiteOutcome.PASSED, why="", tests=tests)


def with_rerun(first: Verdict, second: Verdict) -> Verdict:
    """Judge a suite whose failed tests were rerun: those that then passed are flaky, the others stay failed."""
    again = {test.name: test.outcome for test in second.tests}
    tests = tuple(
        msgspec.structs.replace(test, outcome=TestOutcome.FLAKY)
        if not test.outcome.ok and again.get(test.name) is TestOutcome.PASSED
        else test
        for test in first.tests
    )
    if second.outcome is SuiteOutcome.ERROR:
        return Verdict(outcome=SuiteOutcome.FAILED, why=f"{first.why}; rerun: {second.why}", tests=tests)
    return _of_tests(tests)


def _read(record: str) -> _Record:
    collected: tuple[str, ...] = ()
    uncollected: list[str] = []
    tests: dict[str, TestResult] = {}
    ended: int | None = None
    for line in record.splitlines():
        try:
            event: _Event = msgspec.json.decode(line, type=_Event)
        except msgspec.DecodeError:
            continue  # half a line, of a process that was killed; the checks below find what is missing
        match event:
            case _Collected(tests=names):
                collected = names
            case _NotCollected():
                uncollected.append(f"{event.where or 'the suite'}: {event.text}")
            case _Start(test=name):
                tests[name] = TestResult(name=name, outcome=TestOutcome.UNFINISHED)
            case _Phase(test=name):
                known = tests.get(name, TestResult(name=name, outcome=TestOutcome.UNFINISHED))
                tests[name] = _add_phase(known, event)
            case _End(exit_code=code):
                ended = code
    return _Record(collected=collected, uncollected=tuple(uncollected), tests=tuple(tests.values()), ended=ended)


def _add_phase(test: TestResult, phase: _Phase) -> TestResult:
    """Add a phase to a test's result. A failed phase is never overwritten by a later one."""
    seconds = test.seconds + phase.seconds
    if not test.outcome.ok and test.outcome is not TestOutcome.UNFINISHED:
        return msgspec.structs.replace(test, seconds=seconds)
    outcome = test.outcome
    if phase.outcome == "failed":
        outcome = TestOutcome.FAILED if phase.when == "call" else TestOutcome.ERROR
    elif phase.outcome == "skipped":
        outcome = TestOutcome.XFAILED if phase.expected_failure else TestOutcome.SKIPPED
    elif phase.when == "call":
        outcome = TestOutcome.PASSED
    return TestResult(name=test.name, outcome=outcome, seconds=seconds, text=phase.text or test.text)


def _unfinished(output: SuiteOutput, record: _Record, limit: float) -> str:
    code = output.exit_code
    if code == NOT_FOUND and record.ended is None:
        return "the image has no python3: its tests cannot run inside it"
    if code == _OLD_PYTHON and record.ended is None:
        return "the image's python3 is older than 3.9: its tests cannot run inside it"
    if code == TIMED_OUT:
        return f"timed out after {limit:.0f} s{record.running}"
    if code > SIGNALLED:
        return f"{describe_exit_code(code)}{record.running}"
    if record.ended is None:
        return f"stopped midway with exit code {code}{record.running}"
    if record.ended != code:
        return f"pytest ended with exit code {record.ended}, but its process with {code}"
    return ""


def _incomplete(record: _Record) -> str:
    if record.uncollected:
        return "\n".join(f"cannot collect {one}" for one in record.uncollected)
    return describe_exit_code(record.ended) if record.ended in _INCOMPLETE else ""


def _unproved(output: SuiteOutput, record: _Record) -> str:
    """Return what is missing or contradictory in the output, empty if nothing is."""
    unreported = [name for name in record.collected if name not in {test.name for test in record.tests}]
    if unreported:
        return f"{len(unreported)} of {len(record.collected)} tests never ran, the first {unreported[0]}"
    if output.junit is None:
        return "no JUnit report"
    try:
        reported = len(read_junit(output.junit).tests)
    except ValueError as error:
        return f"cannot read the JUnit report: {error}"
    if reported != len(record.collected):
        return f"the JUnit report has {reported} tests, but {len(record.collected)} were collected"
    if output.exit_code not in {ExitCode.OK, ExitCode.TESTS_FAILED}:
        return describe_exit_code(output.exit_code)
    failed = any(not test.outcome.ok for test in record.tests)
    if failed != (output.exit_code == ExitCode.TESTS_FAILED):
        return f"exit code {output.exit_code} contradicts the recorded test results"
    return ""
