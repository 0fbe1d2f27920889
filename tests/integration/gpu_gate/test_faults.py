"""Everything that can go wrong: each has its outcome and its message, and none passes."""

import pytest

from tests.integration.gpu_gate.launcher_scenarios import (
    cut_midway,
    cut_report,
    echoing_the_command_line,
    empty_exit_code,
    empty_report,
    killed,
    losing_the_connection,
    marks_within_lines,
    no_gpu,
    no_report,
    printing,
    reporting,
    two_exit_codes,
    two_reports,
    without_exit_status,
    wrong_nonce,
)  # fmt: skip
from tests.integration.gpu_gate.operator import gate_on
from tests.integration.gpu_gate.ssh_server import Cluster, Scenario
from tests.junit_reports import junit

pytestmark = pytest.mark.anyio

FORBIDDEN = "Error from server (Forbidden): pods POD is forbidden: exceeded quota: compute\r\nPod creation failed\r\n"
QUOTA = "GPU quota exceeded. Wanted 1 but with 1 already in use, the quota of 1 would be exceeded\r\n"
BACK_OFF = 'INFO starting up - pod status: Pending ; Back-off pulling image "docker.io/ucsdets/ml"\r\n'


@pytest.mark.parametrize(
    ("scenario", "outcome", "why"),
    [
        pytest.param(
            losing_the_connection, "infrastructure", "connection to the login node was lost", id="connection lost"
        ),
        pytest.param(
            without_exit_status, "infrastructure", "connection to the login node was lost", id="no exit status"
        ),
        pytest.param(killed, "bad run", "launcher ended by signal TERM", id="launcher killed"),
        pytest.param(reporting(junit(passed=3), status=1), "bad run", "with exit code 1", id="launcher failed late"),
        pytest.param(cut_midway, "infrastructure", "before the tests' result arrived", id="cut midway"),
        pytest.param(cut_report, "infrastructure", "damaged or cut off", id="cut report"),
        pytest.param(no_report, "infrastructure", "damaged or cut off", id="no report"),
        pytest.param(empty_report, "bad run", "without a readable JUnit report", id="empty report"),
        pytest.param(reporting("<html>no report"), "bad run", "without a readable JUnit report", id="no XML"),
        pytest.param(echoing_the_command_line, "infrastructure", "the pod never ran", id="echoed command line"),
        pytest.param(wrong_nonce, "bad run", "mark of another run", id="wrong nonce"),
        pytest.param(two_exit_codes, "bad run", "more than one result marker", id="two exit codes"),
        pytest.param(two_reports, "bad run", "more than one result marker", id="two reports"),
        pytest.param(marks_within_lines, "infrastructure", "before the tests' result", id="marks within lines"),
        pytest.param(empty_exit_code, "bad run", "is not an exit code of pytest", id="no number as exit code"),
        pytest.param(no_gpu, "bad run", "found no GPU in the pod", id="no GPU"),
        pytest.param(printing(""), "infrastructure", "the pod never ran", id="nothing at all"),
        pytest.param(printing("launch.sh: not found", 127), "bad run", "correct gpu.launch", id="no launcher"),
        pytest.param(printing("Pod creation failed\r\n", 1), "infrastructure", "could not run the pod", id="no pod"),
        pytest.param(
            printing("illegal option -- l\r\n", 2), "infrastructure", "illegal option -- l", id="options refused"
        ),
        pytest.param(printing("", 124), "infrastructure", "reached its time limit", id="launcher's limit"),
        pytest.param(printing(FORBIDDEN, 1), "no capacity", "uses the account's GPU quota", id="quota at creation"),
        pytest.param(printing(QUOTA, 1), "no capacity", "uses the account's GPU quota", id="GPU quota"),
        pytest.param(printing(BACK_OFF), "infrastructure", "failed to pull the image", id="pull, by the launcher"),
        pytest.param(printing('pod "POD" exited due to: OOMKilled\r\n'), "bad run", "out of memory", id="memory"),
        pytest.param(printing('pod "POD" exited due to: DeadlineExceeded\r\n'), "bad run", "time limit", id="deadline"),
        pytest.param(reporting(junit(), 137), "bad run", "raise gpu.memory", id="tests killed"),
        pytest.param(reporting(junit(passed=3), 124), "bad run", "raise gpu.run-limit", id="tests too slow"),
        pytest.param(reporting(junit(errors=1), 2), "bad run", "could not collect", id="not collected"),
        pytest.param(
            reporting(junit(), 5),
            "bad run",
            "No tests collected (pytest exit code 5): correct gpu.tests",
            id="no tests",
        ),
        pytest.param(
            reporting(junit(), 4), "bad run", "Usage error (pytest exit code 4): correct gpu.tests", id="no such path"
        ),
        pytest.param(reporting(junit(), 139), "bad run", "Killed by SIGSEGV", id="tests crash"),
        pytest.param(reporting(junit(), 77), "bad run", "Unknown pytest exit code 77", id="strange code"),
        pytest.param(reporting(junit(errors=2), 1), "tests failed", "2 of 2 tests failed", id="fixtures fail"),
        pytest.param(reporting(junit(skipped=9)), "bad run", "9 were skipped", id="all skipped"),
        pytest.param(reporting(junit(passed=1)), "bad run", "gpu.min-passed is 2", id="fewer than the minimum"),
        pytest.param(
            reporting(junit(passed=3, failed=1)),
            "bad run",
            "contradicts its JUnit report: 1 failed test.",
            id="failed with code 0",
        ),
        pytest.param(
            reporting(junit(passed=3), 1),
            "bad run",
            "contradicts its JUnit report: 0 failed tests.",
            id="code 1 without a failure",
        ),
    ],
)
async def test_a_fault_is_never_a_pass(scenario: Scenario, outcome: str, why: str) -> None:
    verdict = await gate_on(Cluster([scenario]), attempts=1)
    assert why in verdict.why
    assert verdict.outcome == outcome
