"""Which failures are retried."""

import pytest

from tests.integration.gpu_gate.launcher_scenarios import losing_the_connection, passing, printing, reporting
from tests.integration.gpu_gate.operator import Gate, gate_on, outcomes
from tests.integration.gpu_gate.ssh_server import Cluster, running
from tests.junit_reports import junit

pytestmark = pytest.mark.anyio

QUOTA = "GPU quota exceeded. Wanted 1 but with 1 already in use, the quota of 1 would be exceeded\r\n"


async def test_only_failures_that_may_pass_are_retried() -> None:
    gate, cluster = Gate(), Cluster([losing_the_connection, printing(QUOTA, 1), passing])
    async with running(cluster) as node:
        verdict = await gate.run_on(node, attempts=3)
    assert outcomes(verdict) == ("infrastructure", "no capacity", "passed")
    assert verdict.passed
    assert len({attempt.pod for attempt in verdict.attempts}) == 3
    assert gate.clock.waits == [60, 120]
    assert cluster.pods == set()


async def test_the_number_of_attempts_is_limited() -> None:
    assert outcomes(await gate_on(Cluster([printing(QUOTA, 1)]), attempts=2)) == ("no capacity", "no capacity")


async def test_failed_tests_are_not_retried() -> None:
    verdict = await gate_on(Cluster([reporting(junit(failed=1), 1), passing]), attempts=3)
    assert outcomes(verdict) == ("tests failed",)
