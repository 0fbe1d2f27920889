"""That each fault has its sentence is tested over SSH; here, that nothing passes without every part of the proof."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ci.gpu_gate.evaluate import evaluate
from ci.gpu_gate.pod import FailureReason
from ci.gpu_gate.ports import Ended
from ci.gpu_gate.transcript import Evidence
from ci.gpu_gate.verdict import GpuOutcome
from ci.stack.gpu_config import GpuSettings

SETTINGS = GpuSettings(image="ml", host="h", user="u", gpu_class="small", workspace="", min_passed=2)
GPUS = ("GPU 0: NVIDIA A30",)
DONE = Ended(status=0)
TROUBLE = FailureReason(outcome=GpuOutcome.INFRASTRUCTURE, why="lost")


def junit(passed: int, skipped: int = 0, failed: int = 0) -> bytes:
    ends = [""] * passed + ["<skipped/>"] * skipped + ["<failure/>"] * failed
    cases = "".join(f'<testcase name="{number}">{end}</testcase>' for number, end in enumerate(ends))
    return f'<testsuite failures="{failed}" errors="0">{cases}</testsuite>'.encode()


PROOF = Evidence(started=True, codes=("0",), gpus=GPUS, junit=(junit(2),))
good_reports = st.builds(junit, st.integers(2, 4), st.integers(0, 2))
ends = st.sampled_from([DONE, DONE, Ended(), Ended(status=1), Ended(status=124), Ended(signal="KILL")])
bad_reports = st.sampled_from([None, b"", b"<html>", junit(1), junit(0, 5), junit(3, 0, 1), junit(0)])
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
    finding = evaluate(PROOF, DONE, None, SETTINGS)
    assert (finding.outcome, finding.why, finding.gpus) == ("passed", "2 tests passed on 1 GPU.", GPUS)


@pytest.mark.parametrize(
    "change",
    [
        {"codes": ()}, {"codes": ("1",)}, {"codes": ("0", "0")}, {"codes": ("00",)}, {"gpus": ()},
        {"gpus": ("No devices found.",)}, {"junit": ()}, {"junit": (None,)}, {"junit": (b"",)},
        {"junit": (junit(2), junit(2))}, {"junit": (junit(1),)}, {"junit": (junit(0, 9),)},
        {"junit": (junit(9, 0, 1),)},
    ],
    ids=repr,
)  # fmt: skip
def test_any_part_that_is_missing_fails_it(change: dict[str, object]) -> None:
    assert evaluate(msgspec.structs.replace(PROOF, **change), DONE, None, SETTINGS).outcome is not GpuOutcome.PASSED


@pytest.mark.parametrize("ended", [Ended(), Ended(status=1), Ended(status=255), Ended(signal="TERM")], ids=repr)
def test_an_end_that_is_not_good_fails_it(ended: Ended) -> None:
    assert evaluate(PROOF, ended, None, SETTINGS).outcome is not GpuOutcome.PASSED


def test_a_trouble_fails_it() -> None:
    finding = evaluate(PROOF, DONE, TROUBLE, SETTINGS)
    assert (finding.outcome, finding.why) == ("infrastructure", "lost")


@given(evidences, ends, st.sampled_from([None, None, TROUBLE]))
@example(PROOF, DONE, None)
def test_it_passes_only_and_always_on_proof(evidence: Evidence, ended: Ended, trouble: FailureReason | None) -> None:
    finding = evaluate(evidence, ended, trouble, SETTINGS)
    reports = evidence.junit
    counts = [report.count(b"<testcase") - report.count(b"<skipped") for report in reports if report]
    is_proof = (
        evidence.codes == ("0",)
        and any(gpu.startswith("GPU ") for gpu in evidence.gpus)
        and len(reports) == 1
        and reports[0] not in {None, b"", b"<html>", junit(3, 0, 1)}
        and counts[0] >= SETTINGS.min_passed
        and ended == DONE
        and trouble is None
    )
    assert (finding.outcome is GpuOutcome.PASSED) == is_proof
    assert finding.why.endswith((".", "x", "lost"))
