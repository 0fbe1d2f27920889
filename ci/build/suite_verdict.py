"""Judges a suite by what its run left behind. Pure: texts in, a verdict out, and green only on proof.

GateApproval is: pytest ended by itself with code 0, every collected test was reported, its JUnit report agrees, and at least
one test passed.
"""

from xml.etree import ElementTree as ET

import msgspec

from ci.build.ports import SuiteOutput
from ci.results import SuiteOutcome, TestOutcome, TestResult

# `timeout` answers 124 when it had to end a command; a shell 128 + the number of the signal that ended one.
_TIMED_OUT = 124
_SIGNAL = 128
_SIGNALS = {
    6: "an abort",
    9: "a kill, as of a machine that ran out of memory",
    11: "a segmentation fault",
    15: "a termination",
}
_OLD_PYTHON = 71
_NO_PYTHON = 127
_CODES = {
    2: "pytest was interrupted",
    3: "pytest failed inside itself",
    4: "pytest was called in a way it does not understand",
    6: "there were more warnings than pytest was told to bear",
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite ended, with a sentence why unless it passed, and its tests."""

    outcome: SuiteOutcome
    why: str
    tests: tuple[TestResult, ...]


class _Line(msgspec.Struct, frozen=True, tag_field="event"):
    """A line of the record, as `ci/test_container/suite_recorder.py` writes it."""


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


def judge(remains: SuiteOutput, limit: float) -> Verdict:
    """Judge one run of a suite that had `limit` seconds."""
    record = _read(remains.record)
    why = _unfinished(remains, record, limit) or _uncollected(record)
    if why:
        return Verdict(outcome=SuiteOutcome.ERROR, why=why, tests=record.tests)
    if remains.exit_code == 5 or not record.collected:  # noqa: PLR2004 (pytest's code for no tests)
        return Verdict(outcome=SuiteOutcome.EMPTY, why="no test was collected", tests=())
    why = _unproved(remains, record)
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
    """Judge a suite whose failed tests were run again: those that passed then are flaky, the others stay failed."""
    again = {test.name: test.outcome for test in second.tests}
    tests = tuple(
        msgspec.structs.replace(test, outcome=TestOutcome.FLAKY)
        if not test.outcome.ok and again.get(test.name) is TestOutcome.PASSED
        else test
        for test in first.tests
    )
    if second.outcome is SuiteOutcome.ERROR:
        return Verdict(outcome=SuiteOutcome.FAILED, why=f"{first.why}; run again: {second.why}", tests=tests)
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
            continue  # half a line, of a process that was killed; what it would have told is missed below
        match event:
            case _Collected(tests=names):
                collected = names
            case _NotCollected():
                uncollected.append(f"{event.where or 'the suite'}: {event.text}")
            case _Start(test=name):
                tests[name] = TestResult(name=name, outcome=TestOutcome.UNFINISHED)
            case _Phase(test=name):
                begun = tests.get(name, TestResult(name=name, outcome=TestOutcome.UNFINISHED))
                tests[name] = _phase(begun, event)
            case _End(exit_code=code):
                ended = code
    return _Record(collected=collected, uncollected=tuple(uncollected), tests=tuple(tests.values()), ended=ended)


def _phase(test: TestResult, phase: _Phase) -> TestResult:
    """Put the end of a phase into a test's result. A failed phase is never overwritten by a later one."""
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


def _unfinished(remains: SuiteOutput, record: _Record, limit: float) -> str:
    code = remains.exit_code
    if code == _NO_PYTHON and record.ended is None:
        return "the image has no python3: its tests cannot run inside it"
    if code == _OLD_PYTHON and record.ended is None:
        return "the image's python3 is older than 3.9: its tests cannot run inside it"
    if code == _TIMED_OUT:
        return f"it did not end within its {limit:.0f} s{record.running}"
    if code > _SIGNAL:
        signal = _SIGNALS.get(code - _SIGNAL, f"signal {code - _SIGNAL}")
        return f"it was ended by {signal} (exit code {code}){record.running}"
    if record.ended is None:
        return f"it stopped in the middle with exit code {code}{record.running}"
    if record.ended != code:
        return f"pytest ended with code {record.ended}, but its process with {code}"
    return ""


def _uncollected(record: _Record) -> str:
    if record.uncollected:
        return "\n".join(f"it could not be collected: {one}" for one in record.uncollected)
    return _CODES.get(record.ended or 0, "")


def _unproved(remains: SuiteOutput, record: _Record) -> str:
    """Say what is missing for the record to be believed."""
    unreported = [name for name in record.collected if name not in {test.name for test in record.tests}]
    if unreported:
        return f"{len(unreported)} of {len(record.collected)} tests were never run, the first {unreported[0]}"
    if remains.junit is None:
        return "it left no JUnit report"
    try:
        # S314: the expat in use since 2021 (2.4.1) ends entity bombs by itself.
        root = ET.fromstring(remains.junit)  # noqa: S314
    except ET.ParseError as error:
        return f"its JUnit report cannot be read: {error}"
    cases = len({(case.get("classname"), case.get("name")) for case in root.iter("testcase")})
    if cases != len(record.collected):
        return f"its JUnit report tells of {cases} tests, {len(record.collected)} were collected"
    if remains.exit_code not in {0, 1}:
        return f"it ended with code {remains.exit_code}, which pytest does not use"
    failed = any(not test.outcome.ok for test in record.tests)
    if failed != (remains.exit_code == 1):
        return f"it ended with code {remains.exit_code}, which does not fit what its tests told"
    return ""
