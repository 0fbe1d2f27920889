"""Everything that goes wrong on the way to a proof: each has its outcome and its sentence, and none passes."""

import pytest

from tests.integration.gpu_gate.launcher_scenarios import (
    cut_in_the_middle,
    cut_report,
    echoing,
    empty_report,
    killed,
    losing,
    marks_within_lines,
    no_gpu,
    no_report,
    odd_code,
    reporting,
    saying,
    two_codes,
    two_reports,
    untold,
    wrong_nonce,
)  # fmt: skip
from tests.integration.gpu_gate.operator import try_on
from tests.integration.gpu_gate.ssh_server import Act, Cluster, junit

pytestmark = pytest.mark.anyio

FORBIDDEN = "Error from server (Forbidden): pods POD is forbidden: exceeded quota: compute\r\nPod creation failed\r\n"
QUOTA = "GPU quota exceeded. Wanted 1 but with 1 already in use, the quota of 1 would be exceeded\r\n"
BACK_OFF = 'INFO starting up - pod status: Pending ; Back-off pulling image "docker.io/ucsdets/ml"\r\n'


@pytest.mark.parametrize(
    ("act", "outcome", "why"),
    [
        pytest.param(losing, "infrastructure", "connection to the login node was lost", id="connection lost"),
        pytest.param(untold, "infrastructure", "connection to the login node was lost", id="no exit status"),
        pytest.param(killed, "bad run", "launcher ended by signal TERM", id="launcher killed"),
        pytest.param(reporting(junit(passed=3), status=1), "bad run", "with exit status 1", id="launcher failed late"),
        pytest.param(cut_in_the_middle, "infrastructure", "before the tests' result came", id="cut in the middle"),
        pytest.param(cut_report, "infrastructure", "damaged or cut off", id="cut report"),
        pytest.param(no_report, "infrastructure", "damaged or cut off", id="no report"),
        pytest.param(empty_report, "bad run", "left no report", id="empty report"),
        pytest.param(reporting("<html>no report"), "bad run", "left no report that can be read", id="no XML"),
        pytest.param(echoing, "infrastructure", "the pod never ran", id="echoed command line"),
        pytest.param(wrong_nonce, "bad run", "another run's mark", id="wrong nonce"),
        pytest.param(two_codes, "bad run", "More than one result", id="two codes"),
        pytest.param(two_reports, "bad run", "More than one result", id="two reports"),
        pytest.param(marks_within_lines, "infrastructure", "before the tests' result", id="marks within lines"),
        pytest.param(odd_code, "bad run", "which is none", id="no number as code"),
        pytest.param(no_gpu, "bad run", "No GPU was seen", id="no GPU"),
        pytest.param(saying(""), "infrastructure", "the pod never ran", id="nothing at all"),
        pytest.param(saying("launch.sh: not found", 127), "bad run", "correct gpu.launch", id="no launcher"),
        pytest.param(saying("Pod creation failed\r\n", 1), "infrastructure", "could not run the pod", id="no pod"),
        pytest.param(saying("illegal option -- l\r\n", 2), "infrastructure", "illegal option -- l", id="words refused"),
        pytest.param(saying("", 124), "infrastructure", "came to its time limit", id="launcher's limit"),
        pytest.param(saying(FORBIDDEN, 1), "no capacity", "no GPU left", id="quota at creation"),
        pytest.param(saying(QUOTA, 1), "no capacity", "no GPU left", id="GPU quota"),
        pytest.param(saying(BACK_OFF), "infrastructure", "failed to fetch the image", id="pull, by the launcher"),
        pytest.param(saying('pod "POD" exited due to: OOMKilled\r\n'), "bad run", "out of memory", id="memory"),
        pytest.param(saying('pod "POD" exited due to: DeadlineExceeded\r\n'), "bad run", "time limit", id="deadline"),
        pytest.param(reporting(junit(), 137), "bad run", "raise gpu.memory", id="tests killed"),
        pytest.param(reporting(junit(passed=3), 124), "bad run", "raise gpu.run-limit", id="tests too slow"),
        pytest.param(reporting(junit(errors=1), 2), "bad run", "could not collect", id="not collected"),
        pytest.param(reporting(junit(), 5), "bad run", "found no tests", id="no tests"),
        pytest.param(reporting(junit(), 4), "bad run", "correct gpu.tests", id="no such path"),
        pytest.param(reporting(junit(), 77), "bad run", "exit code 77", id="strange code"),
        pytest.param(reporting(junit(errors=2), 1), "tests failed", "2 of 2 tests failed", id="fixtures fail"),
        pytest.param(reporting(junit(skipped=9)), "bad run", "9 were skipped", id="all skipped"),
        pytest.param(reporting(junit(passed=1)), "bad run", "at least 2 must", id="fewer than the least"),
        pytest.param(reporting(junit(passed=3, failed=1)), "bad run", "tells of 1 test", id="failed with code 0"),
        pytest.param(reporting(junit(passed=3), 1), "bad run", "tells of 0 tests", id="code 1 without a failure"),
    ],
)
async def test_a_fault_is_never_a_pass(act: Act, outcome: str, why: str) -> None:
    verdict = await try_on(Cluster([act]), attempts=1)
    assert why in verdict.why
    assert verdict.outcome == outcome
