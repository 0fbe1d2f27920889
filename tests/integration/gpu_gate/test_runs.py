import pytest

from ci.gpu_gate.verdict import GpuOutcome, GpuTests
from tests.integration.gpu_gate.launcher_scenarios import passing
from tests.integration.gpu_gate.operator import REFERENCE, Gate, gate_on
from tests.integration.gpu_gate.ssh_server import GPU, Cluster, Launch, running
from tests.junit_reports import junit

pytestmark = pytest.mark.anyio


async def test_a_proof_passes() -> None:
    cluster = Cluster([passing])
    gate = Gate()
    async with running(cluster) as node:
        verdict = await gate.run_on(node)
    assert (verdict.outcome, verdict.why) == ("passed", "3 tests passed on 1 GPU.")
    assert verdict.tests == GpuTests(passed=3)
    assert verdict.gpus == (GPU,)
    assert (verdict.image, verdict.reference, verdict.host) == ("ml", REFERENCE, "127.0.0.1")
    assert verdict.started == "2027-01-15T08:00:00Z"
    assert [attempt.pod for attempt in verdict.attempts] == [verdict.pod]
    assert cluster.pods == set()
    assert "test_gpu.py::test_0 PASSED" in gate.log
    assert not any("<<" in line for line in gate.log)


async def test_the_launcher_gets_its_arguments_unchanged() -> None:
    cluster = Cluster([passing])
    verdict = await gate_on(cluster, words=("-v", "a b'c$(id)"), tests="/opt/my tests;id", gpus=2)
    (launch,) = cluster.launches
    assert launch.words[:-1] == [
        "exec", "env", "K8S_TIMEOUT_SECONDS=905", "timeout", "-s", "INT", "-k", "60", "11",
        "/opt/launch-sh/bin/launch.sh", "-i", REFERENCE, "-N", verdict.pod, "-l", "gpu-class=small", "-g", "2",
        "-c", "4", "-m", "32", "-W", "DS_1", "-v", "a b'c$(id)", "-f", "--", "bash", "-c",
    ]  # fmt: skip
    assert "python -m pytest '/opt/my tests;id' -v" in launch.words[-1]


async def test_failed_tests_are_named() -> None:
    async def failing(launch: Launch) -> int:
        launch.prove(junit(passed=2, failed=1, errors=1, skipped=1), code=1)
        return 0

    verdict = await gate_on(Cluster([failing]))
    assert verdict.outcome is GpuOutcome.TESTS_FAILED
    assert verdict.why.startswith("2 of 5 tests failed: test_gpu::test_2 and 1 more.")
    assert verdict.tests == GpuTests(
        passed=2, failed=1, errors=1, skipped=1, failures=("test_gpu::test_2", "test_gpu::test_3")
    )
