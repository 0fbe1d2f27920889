"""Which failures are tried again."""

import pytest

from tests.integration.gpu_gate.launcher_scenarios import losing, proving, reporting, saying
from tests.integration.gpu_gate.operator import Gate, outcomes, try_on
from tests.integration.gpu_gate.ssh_server import Cluster, junit, running

pytestmark = pytest.mark.anyio

QUOTA = "GPU quota exceeded. Wanted 1 but with 1 already in use, the quota of 1 would be exceeded\r\n"


async def test_only_what_may_be_better_the_next_time_is_tried_again() -> None:
    gate, cluster = Gate(), Cluster([losing, saying(QUOTA, 1), proving])
    async with running(cluster) as node:
        verdict = await gate.on(node, attempts=3)
    assert outcomes(verdict) == ("infrastructure", "no capacity", "passed")
    assert verdict.passed
    assert len({attempt.pod for attempt in verdict.attempts}) == 3
    assert gate.clock.waits == [60, 120]
    assert cluster.pods == set()


async def test_attempts_end() -> None:
    assert outcomes(await try_on(Cluster([saying(QUOTA, 1)]), attempts=2)) == ("no capacity", "no capacity")


async def test_a_failure_is_not_tried_again() -> None:
    verdict = await try_on(Cluster([reporting(junit(failed=1), 1), proving]), attempts=3)
    assert outcomes(verdict) == ("tests failed",)
