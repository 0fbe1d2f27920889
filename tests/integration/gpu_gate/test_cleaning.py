"""Whatever ends an attempt, its pod is deleted, or reported."""

import anyio
import pytest

from ci.gpu_gate.verdict import GpuOutcome
from tests.integration.gpu_gate.launcher_scenarios import losing_the_connection, passing
from tests.integration.gpu_gate.operator import Gate, outcomes
from tests.integration.gpu_gate.ssh_server import Cluster, Launch, Node, Scenario, running

pytestmark = pytest.mark.anyio


class Interruptible:
    """A launcher that runs until it is interrupted, or longer if it ignores interrupts."""

    def __init__(self, *, ignores: bool = False) -> None:
        self.running = anyio.Event()
        self.was_interrupted = False
        self._ignores = ignores

    async def __call__(self, launch: Launch) -> int:
        launch.begin()
        self.running.set()
        await launch.interrupted()
        self.was_interrupted = True
        while self._ignores:
            await anyio.sleep(0.05)
            launch.process.stdout.write(b".")
        return 0


async def cancel(gate: Gate, node: Node, launcher: Interruptible) -> None:
    """Run the gate and cancel it while its launcher runs."""

    async def run() -> None:
        try:
            await gate.run_on(node)
        except BaseException as error:
            gate.notes.extend(getattr(error, "__notes__", ()))
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await launcher.running.wait()
        tasks.cancel_scope.cancel()


async def test_a_cancelled_gate_interrupts_and_deletes() -> None:
    launcher, gate = Interruptible(), Gate()
    cluster = Cluster([launcher])
    async with running(cluster) as node:
        await cancel(gate, node, launcher)
    assert launcher.was_interrupted
    assert cluster.pods == set()
    assert cluster.interrupts == []  # it ended by itself: there is no other launcher to interrupt
    assert gate.notes == []


async def test_a_launcher_that_ignores_interrupts_is_interrupted_by_name() -> None:
    launcher, gate = Interruptible(ignores=True), Gate()
    cluster = Cluster([launcher])
    async with running(cluster) as node:
        await cancel(gate, node, launcher)
    assert cluster.interrupts == [cluster.launches[0].pod]
    assert cluster.pods == set()


async def test_the_pod_of_a_lost_connection_is_deleted_over_another() -> None:
    cluster = Cluster([losing_the_connection])
    async with running(cluster) as node:
        verdict = await Gate().run_on(node)
    assert verdict.outcome is GpuOutcome.INFRASTRUCTURE
    assert len(cluster.connections) == 2
    assert cluster.interrupts == [verdict.pod]
    assert cluster.pods == set()
    assert verdict.undeleted == ()


async def test_a_pod_that_cannot_be_deleted_is_warned_of() -> None:
    gate, cluster = Gate(), Cluster([passing], deletable=False)
    async with running(cluster) as node:
        verdict = await gate.run_on(node)
    assert verdict.undeleted == (verdict.pod,)
    (warning,) = [line for line in gate.log if line.startswith(f"WARNING: pod {verdict.pod} may still be running")]
    assert f"kubectl delete pod {verdict.pod}" in warning


async def test_the_warning_quotes_kubectl_s_error() -> None:
    gate, cluster = Gate(), Cluster([passing], deletable=False, readable=False)
    async with running(cluster) as node:
        verdict = await gate.run_on(node)
    assert verdict.undeleted == (verdict.pod,)
    assert any("Error from server (Forbidden)" in line for line in gate.log)


async def test_a_query_without_an_exit_status_has_no_result() -> None:
    gate, cluster = Gate(), Cluster([passing], reports_status=False)
    async with running(cluster) as node:
        verdict = await gate.run_on(node)
    assert verdict.passed
    assert verdict.undeleted == (verdict.pod,)
    assert any("may still be running" in line and "was lost" in line for line in gate.log)


async def test_a_cancelled_gate_names_its_pod_in_the_exception() -> None:
    launcher, gate = Interruptible(), Gate()
    cluster = Cluster([launcher], deletable=False)
    async with running(cluster) as node:
        await cancel(gate, node, launcher)
    (note,) = gate.notes
    assert note.startswith(f"WARNING: pod {cluster.launches[0].pod} may still be running")
    assert note in gate.log


async def test_all_pods_left_by_a_lost_node_are_reported() -> None:
    cluster = Cluster([losing_the_connection], most_connections=1)
    async with running(cluster) as node:
        verdict = await Gate().run_on(node, attempts=2)
    assert outcomes(verdict) == ("infrastructure", "infrastructure")
    assert verdict.undeleted == (verdict.attempts[0].pod,)  # the second attempt launched none


@pytest.mark.parametrize(
    ("launcher", "left"), [(passing, 0), (losing_the_connection, 1)], ids=["launcher ended", "connection lost"]
)
async def test_without_kubectl_only_the_launcher_s_end_is_known(launcher: Scenario, left: int) -> None:
    cluster = Cluster([launcher], kubectl=False)
    async with running(cluster) as node:
        verdict = await Gate().run_on(node)
    assert len(verdict.undeleted) == left
