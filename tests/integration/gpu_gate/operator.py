"""Runs the gate for tests: fast, and with all its log lines kept."""

from dataclasses import dataclass, field
from typing import Any

from ci.adapters.ssh import SshLogin
from ci.gpu_gate.gate import run_gate
from ci.gpu_gate.ports import Timing
from ci.gpu_gate.verdict import GpuOutcome, GpuVerdict
from tests.clocks import QuickClock
from tests.integration.gpu_gate.ssh_server import Cluster, Node, running

REFERENCE = f"docker.io/ucsdets/ml@sha256:{'a' * 64}"
TIMING = Timing(poll=0.02, query=2, margin=0.2, interrupt=0.5, delete=1, retry=60)


@dataclass
class Gate:
    """Runs the gate on a node, and keeps its log."""

    log: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Of the exception that ended it."""
    clock: QuickClock = field(default_factory=QuickClock)

    async def run_on(
        self,
        node: Node,
        attempts: int = 1,
        *,
        login: SshLogin | None = None,
        known_hosts: str = "",
        reference: str = REFERENCE,
        **changes: Any,  # noqa: ANN401 (fields of GpuSettings)
    ) -> GpuVerdict:
        client, settings = node.client(login, known_hosts, **changes), node.settings(**changes)
        return await run_gate(
            client, settings, reference, log=self.log.append, attempts=attempts, clock=self.clock, timing=TIMING
        )


async def gate_on(cluster: Cluster, attempts: int = 1, **changes: Any) -> GpuVerdict:  # noqa: ANN401
    """Run the gate on a cluster. No pod may be left, whatever the verdict."""
    async with running(cluster) as node:
        verdict = await Gate().run_on(node, attempts, **changes)
    assert cluster.pods == set()
    assert verdict.undeleted == ()
    return verdict


def outcomes(verdict: GpuVerdict) -> tuple[GpuOutcome, ...]:
    return tuple(attempt.outcome for attempt in verdict.attempts)
