"""Messages of the cluster, and limits, end an attempt early."""

import anyio
import pytest

from ci.gpu_gate.verdict import GpuOutcome
from tests.integration.gpu_gate.launcher_scenarios import never_running, printing
from tests.integration.gpu_gate.operator import gate_on
from tests.integration.gpu_gate.ssh_server import Cluster, Launch

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "events", "outcome", "why"),
    [
        pytest.param(
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            [], "infrastructure", "failed to pull the image", id="pull",
        ),
        pytest.param(
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
            [{"reason": "Failed", "message": 'Failed to pull image "x": manifest unknown'}],
            "bad run", "check that this digest is published", id="no such image",
        ),
        pytest.param(
            {"phase": "Pending"}, [{"reason": "UnknownGpuClass", "message": "Known classes: small."}],
            "bad run", "correct gpu.gpu-class in stack.toml. Its message: UnknownGpuClass: Known classes", id="class",
        ),
        pytest.param(
            {"phase": "Pending"},
            [{"reason": "OnDemandLeaseDenied", "message": "denied: User 'g' is not a member of group 'DS_1'."}],
            "bad run", "correct gpu.workspace", id="not a member",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]},
            [], "bad run", "raise gpu.memory", id="memory",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active too long"},
            [], "bad run", "raise gpu.run-limit", id="deadline",
        ),
        pytest.param(
            {"phase": "Running"}, [{"reason": "Preempted", "message": "Pod preempted to free capacity"}],
            "no capacity", "took the GPU back", id="preempted",
        ),
    ],
)  # fmt: skip
async def test_a_message_of_the_cluster_ends_an_attempt_early(
    status: dict[str, object], events: list[dict[str, str]], outcome: str, why: str
) -> None:
    cluster = Cluster([never_running], status=status, events=events)
    with anyio.fail_after(3):
        verdict = await gate_on(cluster, queue_limit=60, run_limit=60)
    assert why in verdict.why
    assert verdict.outcome == outcome


@pytest.mark.parametrize("kubectl", [True, False], ids=["kubectl", "no kubectl"])
async def test_a_pod_may_not_wait_without_limit(*, kubectl: bool) -> None:
    events = [{"reason": "OnDemandLeaseDenied", "message": "Only 0 GPU(s) available at 2026-11-25 08:00"}]
    cluster = Cluster([never_running], kubectl=kubectl, status={"phase": "Pending"}, events=events)
    verdict = await gate_on(cluster, queue_limit=0.3)
    assert verdict.outcome is GpuOutcome.NO_CAPACITY
    assert verdict.why.startswith("The pod did not run within 0 s (gpu.queue-limit)")
    assert ("Only 0 GPU(s) available" in verdict.why) == kubectl


async def test_tests_may_not_run_without_limit() -> None:
    async def hanging(launch: Launch) -> int:
        launch.begin()
        await launch.interrupted()
        launch.prove()  # too late
        return 0

    verdict = await gate_on(Cluster([hanging]), run_limit=0.2)
    assert (verdict.outcome, verdict.why.startswith("The tests' result did not arrive ")) == ("bad run", True)


async def test_a_pod_that_runs_has_its_whole_limit() -> None:
    async def slow(launch: Launch) -> int:
        launch.begin()
        await anyio.sleep(0.5)
        launch.prove()
        return 0

    verdict = await gate_on(Cluster([slow], kubectl=False), queue_limit=0.3, run_limit=5)
    assert verdict.gpus
    assert verdict.outcome is not GpuOutcome.NO_CAPACITY


async def test_a_pod_in_phase_running_no_longer_waits() -> None:
    verdict = await gate_on(Cluster([never_running], status={"phase": "Running"}), queue_limit=0.2, run_limit=0.2)
    assert (verdict.outcome, "gpu.run-limit" in verdict.why) == ("bad run", True)


async def test_the_cluster_is_queried_even_after_the_launcher_ended() -> None:
    events = [{"reason": "Preempted", "message": "Pod preempted to free capacity"}]
    verdict = await gate_on(Cluster([printing("")], events=events))
    assert (verdict.outcome, "took the GPU back" in verdict.why) == ("no capacity", True)
