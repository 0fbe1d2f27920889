"""Whatever ends an attempt, its pod is deleted, or named."""

import anyio
import pytest

from ci.gpu_gate.verdict import GpuOutcome
from tests.integration.gpu_gate.launcher_scenarios import losing, proving
from tests.integration.gpu_gate.operator import Gate, outcomes
from tests.integration.gpu_gate.ssh_server import Act, Cluster, Launch, Node, running

pytestmark = pytest.mark.anyio


class Interruptible:
    """A launcher that runs until it is interrupted, and deletes its pod if it is told to."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.running = anyio.Event()
        self.was_interrupted = False
        self._deaf = deaf

    async def __call__(self, launch: Launch) -> int:
        launch.begin()
        self.running.set()
        await launch.interrupted()
        self.was_interrupted = True
        while self._deaf:
            await anyio.sleep(0.05)
            launch.process.stdout.write(b".")
        return 0


async def cancel(gate: Gate, node: Node, launcher: Interruptible) -> None:
    """Run the gate and cancel it while its launcher runs."""

    async def run() -> None:
        try:
            await gate.on(node)
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
    assert cluster.interrupts == []  # it ended by itself: nothing else is to be looked for
    assert gate.notes == []


async def test_a_launcher_that_does_not_listen_is_interrupted_by_name() -> None:
    launcher, gate = Interruptible(deaf=True), Gate()
    cluster = Cluster([launcher])
    async with running(cluster) as node:
        await cancel(gate, node, launcher)
    assert cluster.interrupts == [cluster.launches[0].pod]
    assert cluster.pods == set()


async def test_a_lost_connection_s_pod_is_deleted_over_another() -> None:
    cluster = Cluster([losing])
    async with running(cluster) as node:
        verdict = await Gate().on(node)
    assert verdict.outcome is GpuOutcome.INFRASTRUCTURE
    assert len(cluster.connections) == 2
    assert cluster.interrupts == [verdict.pod]
    assert cluster.pods == set()
    assert verdict.undeleted == ()


async def test_a_pod_that_cannot_be_deleted_is_named_loudly() -> None:
    gate, cluster = Gate(), Cluster([proving], deletable=False)
    async with running(cluster) as node:
        verdict = await gate.on(node)
    assert verdict.undeleted == (verdict.pod,)
    (warning,) = [line for line in gate.told if line.startswith(f"THE POD {verdict.pod} MAY STILL EXIST")]
    assert f"kubectl delete pod {verdict.pod}" in warning


async def test_a_refused_deletion_is_told_in_kubectl_s_words() -> None:
    gate, cluster = Gate(), Cluster([proving], deletable=False, readable=False)
    async with running(cluster) as node:
        verdict = await gate.on(node)
    assert verdict.undeleted == (verdict.pod,)
    assert any("Error from server (Forbidden)" in line for line in gate.told)


async def test_an_answer_without_an_exit_status_is_none() -> None:
    gate, cluster = Gate(), Cluster([proving], mute=True)
    async with running(cluster) as node:
        verdict = await gate.on(node)
    assert verdict.passed
    assert verdict.undeleted == (verdict.pod,)
    assert any("MAY STILL EXIST" in line and "was lost" in line for line in gate.told)


async def test_a_cancelled_gate_names_its_pod_in_the_exception() -> None:
    launcher, gate = Interruptible(), Gate()
    cluster = Cluster([launcher], deletable=False)
    async with running(cluster) as node:
        await cancel(gate, node, launcher)
    (note,) = gate.notes
    assert note.startswith(f"THE POD {cluster.launches[0].pod} MAY STILL EXIST")
    assert note in gate.told


async def test_a_node_that_is_gone_leaves_pods_that_are_all_named() -> None:
    cluster = Cluster([losing], most_connections=1)
    async with running(cluster) as node:
        verdict = await Gate().on(node, attempts=2)
    assert outcomes(verdict) == ("infrastructure", "infrastructure")
    assert verdict.undeleted == (verdict.attempts[0].pod,)  # the second never came to launch one


@pytest.mark.parametrize(("launcher", "left"), [(proving, 0), (losing, 1)], ids=["launcher ended", "connection lost"])
async def test_without_kubectl_only_the_launcher_s_end_is_known(launcher: Act, left: int) -> None:
    cluster = Cluster([launcher], kubectl=False)
    async with running(cluster) as node:
        verdict = await Gate().on(node)
    assert len(verdict.undeleted) == left
