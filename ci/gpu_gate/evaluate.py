"""Evaluates one attempt by its evidence. Pure: evidence in, a result out, and PASSED only on complete proof."""

import re
from collections.abc import Mapping

import msgspec

from ci.gpu_gate.pod import FailureReason
from ci.gpu_gate.ports import CommandExit
from ci.gpu_gate.transcript import Evidence
from ci.gpu_gate.verdict import GpuOutcome, GpuTests
from ci.pytest_results import KILLED, NOT_EXECUTABLE, NOT_FOUND, TIMED_OUT, ExitCode, describe_exit_code, read_junit
from ci.stack.gpu_config import GpuSettings

_MOST_FAILURES = 50
_EXIT_CODE = re.compile(r"0|[1-9][0-9]{0,2}")
_ADVICE: Mapping[int, str] = {
    ExitCode.INTERRUPTED: "pytest could not collect the tests, or was stopped; see its output",
    ExitCode.USAGE_ERROR: "correct gpu.tests in stack.toml",
    ExitCode.NO_TESTS: "correct gpu.tests in stack.toml",
    TIMED_OUT: "raise gpu.run-limit in stack.toml, or make the tests shorter",
    NOT_FOUND: "the image has no python, so the gate cannot test it",
    KILLED: "raise gpu.memory in stack.toml",
}


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one attempt."""

    outcome: GpuOutcome
    why: str
    tests: GpuTests = GpuTests()
    gpus: tuple[str, ...] = ()


def evaluate(
    evidence: Evidence, launcher: CommandExit, failure: FailureReason | None, settings: GpuSettings
) -> AttemptResult:
    """Evaluate an attempt. `launcher` is how the launcher ended.

    `failure` is why the attempt was ended early, or the cluster's own reason why the pod failed.
    """
    reported = read_tests(evidence.junit[0]) if len(evidence.junit) == 1 and evidence.junit[0] else None
    tests = reported or GpuTests()
    gpus = tuple(gpu for gpu in evidence.gpus if gpu.startswith("GPU "))
    failure = (
        failure
        or _unfinished(evidence, launcher)
        or _unproved(evidence, reported)
        or _failed(evidence, tests, gpus)
        or _not_enough(launcher, tests, settings)
    )
    if failure:
        return AttemptResult(outcome=failure.outcome, why=failure.why, tests=tests, gpus=gpus)
    why = f"{_count(tests.passed, 'test')} passed on {_count(len(gpus), 'GPU')}."
    return AttemptResult(outcome=GpuOutcome.PASSED, why=why, tests=tests, gpus=gpus)


def read_tests(content: bytes) -> GpuTests | None:
    """Count the tests of a JUnit report; None if it cannot be read."""
    try:
        report = read_junit(content)
    except ValueError:
        return None
    unnamed = ("a test without a name",) if report.failed + report.errors else ()
    return GpuTests(
        passed=report.passed,
        failed=report.failed,
        errors=report.errors,
        skipped=report.skipped,
        failures=report.bad_tests[:_MOST_FAILURES] or unnamed,
    )


def _bad(why: str) -> FailureReason:
    return FailureReason(outcome=GpuOutcome.BAD_RUN, why=why)


def _lost(why: str) -> FailureReason:
    return FailureReason(outcome=GpuOutcome.INFRASTRUCTURE, why=why)


def _unfinished(evidence: Evidence, launcher: CommandExit) -> FailureReason | None:
    """Return why the attempt has no result."""
    if not launcher.known:
        return _lost("The connection to the login node was lost before the launcher ended: run again.")
    if evidence.codes:
        return None
    if evidence.failure:
        return evidence.failure
    if evidence.foreign:
        return _bad("The result has the mark of another run: it is old or forged. See the output, then run again.")
    if launcher.code in {NOT_EXECUTABLE, NOT_FOUND} and not evidence.started:
        return _bad(f"The launcher cannot be run: correct gpu.launch in stack.toml.{_last_lines(evidence)}")
    if launcher.code in {TIMED_OUT, KILLED}:
        return _lost(f"The launcher reached its time limit: run again.{_last_lines(evidence)}")
    when = "before the tests' result arrived" if evidence.started else "and the pod never ran"
    return _lost(f"The launcher ended {_how(launcher)} {when}: run again.{_last_lines(evidence)}")


def _unproved(evidence: Evidence, reported: GpuTests | None) -> FailureReason | None:
    """Return what is contradictory or damaged in the result."""
    if len(evidence.codes) > 1 or len(evidence.junit) > 1:
        return _bad("The output contains more than one result marker; none is trusted.")
    text = evidence.codes[0]
    if not _EXIT_CODE.fullmatch(text):
        return _bad(f"{text[:80]!r} is not an exit code of pytest.")
    code = int(text)
    if code not in {ExitCode.OK, ExitCode.TESTS_FAILED}:
        meaning = describe_exit_code(code)
        return _bad(f"{meaning[0].upper()}{meaning[1:]}: {_ADVICE.get(code, 'see its output')}.")
    if None in evidence.junit or not evidence.junit:
        return _lost("The JUnit report was damaged or cut off on its way: run again.")
    if reported is None:
        return _bad(f"Pytest ended with exit code {code} but without a readable JUnit report: see its output.")
    return None


def _failed(evidence: Evidence, tests: GpuTests, gpus: tuple[str, ...]) -> FailureReason | None:
    """Return which tests failed, or why their results do not count."""
    if not gpus:
        return _bad("`nvidia-smi -L` found no GPU in the pod: check gpu.gpus and gpu.gpu-class.")
    count, code = tests.failed + tests.errors, int(evidence.codes[0])
    if (code == ExitCode.TESTS_FAILED) != (count > 0):
        return _bad(f"Exit code {code} of pytest contradicts its JUnit report: {_count(count, 'failed test')}.")
    if not count:
        return None
    more = f" and {count - 1} more" if count > 1 else ""
    return FailureReason(
        outcome=GpuOutcome.TESTS_FAILED,
        why=f"{count} of {_count(count + tests.passed + tests.skipped, 'test')} failed: {tests.failures[0]}{more}. "
        "Correct the image or the tests, and publish again.",
    )


def _not_enough(launcher: CommandExit, tests: GpuTests, settings: GpuSettings) -> FailureReason | None:
    """Return why a run without failed tests is not a proof."""
    if not tests.passed:
        return _bad(f"No test passed; {tests.skipped} were skipped.")
    if tests.passed < settings.min_passed:
        return _bad(
            f"Only {_count(tests.passed, 'test')} passed, but gpu.min-passed is {settings.min_passed}: tests were lost "
            "or skipped."
        )
    if launcher.code != 0:
        return _bad(f"The tests passed, but the launcher ended {_how(launcher)}: see its output.")
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _how(launcher: CommandExit) -> str:
    return f"by signal {launcher.signal}" if launcher.signal else f"with exit code {launcher.code}"


def _last_lines(evidence: Evidence) -> str:
    return f" Its last lines: {' / '.join(evidence.last[-3:])}" if evidence.last else ""
