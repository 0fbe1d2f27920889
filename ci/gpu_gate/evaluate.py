"""Judges one attempt by what came back. Pure: evidence in, a finding out, and PASSED only on the whole proof."""

from collections.abc import Mapping

import msgspec

from ci.gpu_gate.pod import FailureReason
from ci.gpu_gate.ports import Ended
from ci.gpu_gate.transcript import Evidence, read_tests
from ci.gpu_gate.verdict import GpuOutcome, GpuTests
from ci.stack.gpu_config import GpuSettings

_NOT_FOUND = (126, 127)
_TIMED_OUT = (124, 137)
_CODES: Mapping[str, str] = {
    "2": "Pytest was interrupted, or could not collect the tests: see its output",
    "3": "Pytest failed inside itself: see its output",
    "4": "Pytest was called in a way it does not understand: correct gpu.tests in stack.toml",
    "5": "Pytest found no tests: correct gpu.tests in stack.toml",
    "6": "There were more warnings than pytest was told to bear: see its output",
    "124": "The tests did not end in time: raise gpu.run-limit in stack.toml, or make them shorter",
    "127": "The image has no python: the gate cannot test it",
    "137": "The tests were killed, as when memory runs out: raise gpu.memory in stack.toml",
}


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to."""

    outcome: GpuOutcome
    why: str
    tests: GpuTests = GpuTests()
    gpus: tuple[str, ...] = ()


def evaluate(evidence: Evidence, ended: Ended, trouble: FailureReason | None, settings: GpuSettings) -> AttemptResult:
    """Judge an attempt. `trouble` is why it was ended early, or what the cluster said of the pod."""
    read = read_tests(evidence.junit[0]) if len(evidence.junit) == 1 and evidence.junit[0] else None
    tests = read or GpuTests()
    gpus = tuple(gpu for gpu in evidence.gpus if gpu.startswith("GPU "))
    found = (
        trouble
        or _unfinished(evidence, ended)
        or _unproved(evidence, read)
        or _failed(evidence, tests, gpus)
        or _not_enough(ended, tests, settings)
    )
    if found:
        return AttemptResult(outcome=found.outcome, why=found.why, tests=tests, gpus=gpus)
    why = f"{_count(tests.passed, 'test')} passed on {_count(len(gpus), 'GPU')}."
    return AttemptResult(outcome=GpuOutcome.PASSED, why=why, tests=tests, gpus=gpus)


def _bad(why: str) -> FailureReason:
    return FailureReason(outcome=GpuOutcome.BAD_RUN, why=why)


def _lost(why: str) -> FailureReason:
    return FailureReason(outcome=GpuOutcome.INFRASTRUCTURE, why=why)


def _unfinished(evidence: Evidence, ended: Ended) -> FailureReason | None:
    """LogLine what kept the attempt from coming to its end."""
    if not ended.known:
        return _lost("The connection to the login node was lost before the launcher ended: run again.")
    if evidence.codes:
        return None
    if evidence.trouble:
        return evidence.trouble
    if evidence.foreign:
        return _bad("The result came with another run's mark: it is old or forged. See the output, then run again.")
    if ended.status in _NOT_FOUND and not evidence.started:
        return _bad(f"The launcher cannot be run: correct gpu.launch in stack.toml.{_last(evidence)}")
    if ended.status in _TIMED_OUT:
        return _lost(f"The launcher did not end by itself and came to its time limit: run again.{_last(evidence)}")
    when = "before the tests' result came" if evidence.started else "and the pod never ran"
    return _lost(f"The launcher ended {_how(ended)} {when}: run again.{_last(evidence)}")


def _unproved(evidence: Evidence, read: GpuTests | None) -> FailureReason | None:
    """LogLine what is contradictory or damaged in what came."""
    if len(evidence.codes) > 1 or len(evidence.junit) > 1:
        return _bad("More than one result came: at least one is forged, by a test or by who wrote in its output.")
    code = evidence.codes[0]
    if not code.isdecimal():
        return _bad(f"{code!r} came as pytest's exit code, which is none.")
    if code not in {"0", "1"}:
        return _bad(f"{_CODES.get(code, 'Pytest ended in a way that it has not')} (exit code {code}).")
    if None in evidence.junit or not evidence.junit:
        return _lost("The tests' report was damaged or cut off on its way: run again.")
    if read is None:
        return _bad(f"Pytest ended with exit code {code} and left no report that can be read: see its output.")
    return None


def _failed(evidence: Evidence, tests: GpuTests, gpus: tuple[str, ...]) -> FailureReason | None:
    """LogLine of tests that failed, or that had nothing to run on."""
    if not gpus:
        return _bad(
            "No GPU was seen in the pod (`nvidia-smi -L`), so nothing is proved: check gpu.gpus and gpu.gpu-class."
        )
    count, code = tests.failed + tests.errors, evidence.codes[0]
    if (code == "1") != (count > 0):
        return _bad(f"Pytest ended with exit code {code}, but its report tells of {_count(count, 'test')} that failed.")
    if not count:
        return None
    more = f" and {count - 1} more" if count > 1 else ""
    return FailureReason(
        outcome=GpuOutcome.TESTS_FAILED,
        why=f"{count} of {_count(count + tests.passed + tests.skipped, 'test')} failed: {tests.failures[0]}{more}. "
        "Correct the image or the tests, and publish again.",
    )


def _not_enough(ended: Ended, tests: GpuTests, settings: GpuSettings) -> FailureReason | None:
    """LogLine why tests without failures are no proof."""
    if not tests.passed:
        return _bad(f"No test passed, {tests.skipped} were skipped: nothing is proved.")
    if tests.passed < settings.min_passed:
        return _bad(
            f"{_count(tests.passed, 'test')} passed, and at least {settings.min_passed} must (gpu.min-passed): "
            "tests were lost or skipped."
        )
    if ended.status != 0:
        return _bad(f"The tests passed, but the launcher ended {_how(ended)}: see its output.")
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _how(ended: Ended) -> str:
    return f"by signal {ended.signal}" if ended.signal else f"with exit status {ended.status}"


def _last(evidence: Evidence) -> str:
    return f" Its last words: {' / '.join(evidence.last[-3:])}" if evidence.last else ""
