"""Nothing passes without every part of the proof. That each failure has its message is tested over SSH."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ci.gpu_gate.evaluate import evaluate
from ci.gpu_gate.pod import FailureReason
from ci.gpu_gate.ports import CommandExit
from ci.gpu_gate.transcript import Evidence
from ci.gpu_gate.verdict import GpuOutcome
from ci.stack.gpu_config import GpuSettings
from tests.junit_reports import junit

SETTINGS = GpuSettings(image="ml", host="h", user="u", gpu_class="small", workspace="", min_passed=2)
GPUS = ("GPU 0: NVIDIA A30",)
DONE = CommandExit(code=0)
FAILURE = FailureReason(outcome=GpuOutcome.INFRASTRUCTURE, why="lost")


def report(passed: int, skipped: int = 0, failed: int = 0) -> bytes:
    return junit(passed=passed, skipped=skipped, failed=failed).encode()


PROOF = Evidence(started=True, codes=("0",), gpus=GPUS, junit=(report(2),))
good_reports = st.builds(report, st.integers(2, 4), st.integers(0, 2))
ends = st.sampled_from(
    [DONE, DONE, CommandExit(), CommandExit(code=1), CommandExit(code=124), CommandExit(signal="KILL")]
)
bad_reports = st.sampled_from([None, b"", b"<html>", report(1), report(0, 5), report(3, 0, 1), report(0)])
evidences = st.builds(
    Evidence,
    started=st.booleans(),
    foreign=st.booleans(),
    codes=st.lists(st.sampled_from(["0", "1", "2", "5", "137", "", "-0"]), max_size=2).map(tuple),
    gpus=st.lists(st.sampled_from(["GPU 0: A30", "No devices found.", ""]), max_size=2).map(tuple),
    junit=st.lists(good_reports | bad_reports, max_size=2).map(tuple),
    last=st.just(("x",)),
)


def test_the_whole_proof_passes() -> None:
    result = evaluate(PROOF, DONE, None, SETTINGS)
    assert (result.outcome, result.why, result.gpus) == ("passed", "2 tests passed on 1 GPU.", GPUS)


@pytest.mark.parametrize(
    "change",
    [
        {"codes": ()}, {"codes": ("1",)}, {"codes": ("0", "0")}, {"codes": ("00",)}, {"gpus": ()},
        {"gpus": ("No devices found.",)}, {"junit": ()}, {"junit": (None,)}, {"junit": (b"",)},
        {"junit": (report(2), report(2))}, {"junit": (report(1),)}, {"junit": (report(0, 9),)},
        {"junit": (report(9, 0, 1),)},
    ],
    ids=repr,
)  # fmt: skip
def test_a_missing_part_of_the_proof_fails_it(change: dict[str, object]) -> None:
    assert evaluate(msgspec.structs.replace(PROOF, **change), DONE, None, SETTINGS).outcome is not GpuOutcome.PASSED


@pytest.mark.parametrize(
    "launcher", [CommandExit(), CommandExit(code=1), CommandExit(code=255), CommandExit(signal="TERM")], ids=repr
)
def test_a_launcher_that_fails_fails_it(launcher: CommandExit) -> None:
    assert evaluate(PROOF, launcher, None, SETTINGS).outcome is not GpuOutcome.PASSED


def test_a_failure_of_the_attempt_fails_it() -> None:
    result = evaluate(PROOF, DONE, FAILURE, SETTINGS)
    assert (result.outcome, result.why) == ("infrastructure", "lost")


@given(evidences, ends, st.sampled_from([None, None, FAILURE]))
@example(PROOF, DONE, None)
def test_it_passes_only_and_always_on_proof(
    evidence: Evidence, launcher: CommandExit, failure: FailureReason | None
) -> None:
    result = evaluate(evidence, launcher, failure, SETTINGS)
    reports = evidence.junit
    counts = [one.count(b"<testcase") - one.count(b"<skipped") for one in reports if one]
    is_proof = (
        evidence.codes == ("0",)
        and any(gpu.startswith("GPU ") for gpu in evidence.gpus)
        and len(reports) == 1
        and reports[0] not in {None, b"", b"<html>", report(3, 0, 1)}
        and counts[0] >= SETTINGS.min_passed
        and launcher == DONE
        and failure is None
    )
    assert (result.outcome is GpuOutcome.PASSED) == is_proof
    assert result.why.endswith((".", "x", "lost"))
