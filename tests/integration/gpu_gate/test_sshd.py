"""The gate with OpenSSH's own server, and tests that really run."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from ci.adapters.ssh import SshLogin, SshNode
from ci.gpu_gate.gate import run_gate
from ci.gpu_gate.ports import Timing
from ci.gpu_gate.verdict import GpuVerdict
from tests.integration.gpu_gate.operator import REFERENCE
from tests.integration.gpu_gate.ssh_server import PASSWORD
from tests.integration.gpu_gate.sshd import RealNode, real_sshd

pytestmark = pytest.mark.anyio

TIMING = Timing(poll=0.2, query=10, margin=10, interrupt=5, delete=20)
TESTS = """
import os, subprocess, time
def test_gpu(): assert "A30" in subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
def test_place(): assert not os.listdir() and os.environ["PYTHONNOUSERSITE"] == "1"
"""
FAILING = f"{TESTS}\ndef test_sum(): assert 1 + 1 == 3\n"
SLOW = f"{TESTS}\ndef test_zzz(): print('now it sleeps', flush=True); time.sleep(60)\n"


@pytest.fixture(scope="module")
def node() -> Iterator[RealNode]:
    with real_sshd("publickey") as running:
        yield running


async def gate(
    node: RealNode,
    text: str,
    log: list[str],
    login: SshLogin | None = None,
    **settings: Any,  # noqa: ANN401
) -> GpuVerdict:
    known = node.settings(node.write_tests(text), **settings)
    client = SshNode(known, login or SshLogin(private_key=node.private_key), node.known_hosts)
    return await run_gate(client, known, REFERENCE, log=log.append, attempts=1, timing=TIMING)


async def until_it_runs(log: list[str]) -> None:
    """Wait for the log line of the test before the slow one."""
    with anyio.fail_after(20):
        while not any("test_place PASSED" in line for line in log):  # noqa: ASYNC110 (there is no event to wait for)
            await anyio.sleep(0.1)


def processes_of(node: RealNode) -> list[str]:
    """Return the remaining processes of the launcher and its pods; they may take a moment to end."""
    left: list[str] = []
    for _ in range(50):
        words = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
        left = [line for line in words if f"{node.folder}/" in line and "sshd" not in line]
        if not left:
            break
        time.sleep(0.1)
    return left


async def test_tests_that_pass_are_a_proof(node: RealNode) -> None:
    log: list[str] = []
    verdict = await gate(node, TESTS, log)
    assert (verdict.outcome, verdict.why) == ("passed", "2 tests passed on 1 GPU.")
    assert verdict.gpus == ("GPU 0: NVIDIA A30 (UUID: GPU-7c5e)",)
    assert any("test_real.py::test_gpu PASSED" in line for line in log)
    assert any("INFO pod assigned to node" in line for line in log)
    assert (node.folder / "home" / f"launched-{verdict.pod}").read_text().split() == [REFERENCE, "930"]
    assert node.pods == []
    assert processes_of(node) == []


async def test_tests_that_fail_are_named(node: RealNode) -> None:
    log: list[str] = []
    verdict = await gate(node, FAILING, log)
    assert verdict.outcome == "tests failed"
    assert (verdict.tests.passed, verdict.tests.failed) == (2, 1)
    assert verdict.tests.failures[0].endswith("test_real::test_sum")
    assert any("assert (1 + 1) == 3" in line for line in log)
    assert node.pods == []


@pytest.mark.parametrize(
    ("text", "outcome", "why"),
    [
        pytest.param("import no_such_module", "bad run", "could not collect", id="import"),
        pytest.param("", "bad run", "No tests collected", id="no tests"),
        pytest.param(
            "import os\ndef test_a(): os._exit(0)", "bad run", "without a readable JUnit report", id="gone with code 0"
        ),
        pytest.param(
            "import os, pytest\npytest.skip('no', allow_module_level=True)", "bad run", "No tests collected", id="skip"
        ),
    ],
)
async def test_a_run_without_results_is_not_a_proof(node: RealNode, text: str, outcome: str, why: str) -> None:
    verdict = await gate(node, text, [])
    assert why in verdict.why
    assert verdict.outcome == outcome


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
async def test_pam_accepts_a_password(way: str) -> None:
    with real_sshd(way) as node:
        right = await gate(node, TESTS, [], SshLogin(password=PASSWORD))
        wrong = await gate(node, TESTS, [], SshLogin(password=f"{PASSWORD}x"))
    assert right.passed
    assert wrong.outcome == "login"


async def test_slow_tests_are_ended_in_the_pod(node: RealNode) -> None:
    verdict = await gate(node, SLOW, [], run_limit=2)
    assert (verdict.outcome, "Timed out" in verdict.why) == ("bad run", True)
    assert processes_of(node) == []


async def test_a_pod_that_is_never_scheduled_is_given_up(node: RealNode) -> None:
    settings: dict[str, Any] = {"gpu_class": "medium", "queue_limit": 1}
    verdict = await gate(node, TESTS, [], **settings)
    assert verdict.outcome == "no capacity"
    assert verdict.undeleted == ()
    assert (node.pods, processes_of(node)) == ([], [])


async def test_a_cancelled_gate_leaves_nothing(node: RealNode) -> None:
    log: list[str] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gate, node, SLOW, log)
        await until_it_runs(log)
        assert len(node.pods) == 1
        tasks.cancel_scope.cancel()
    assert (node.pods, processes_of(node)) == ([], [])


async def test_a_killed_session_is_no_result_and_leaves_nothing(node: RealNode) -> None:
    log: list[str] = []
    verdicts: list[GpuVerdict] = []

    async def run() -> None:
        verdicts.append(await gate(node, SLOW, log))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await until_it_runs(log)
        node.kill_sessions()
    (verdict,) = verdicts
    assert (verdict.outcome, verdict.undeleted) == ("infrastructure", ())
    assert (node.pods, processes_of(node)) == ([], [])
