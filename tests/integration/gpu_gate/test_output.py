"""Unlimited output is shown and not kept, and bytes that are not text do no harm."""

import tracemalloc

import anyio
import anyio.lowlevel
import pytest

from tests.integration.gpu_gate.operator import Gate
from tests.integration.gpu_gate.ssh_server import Cluster, Launch, running
from tests.junit_reports import junit

pytestmark = pytest.mark.anyio

LINE = b"x" * 1023 + b"\n"
WHOLE = 200_000_000


async def write_blocks(launch: Launch, block: bytes) -> None:
    for _ in range(WHOLE // len(block)):
        launch.process.stdout.write(block)
        await launch.process.stdout.drain()
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("block", [LINE * 64, b"y" * 65536], ids=["lines", "one line"])
async def test_200_mb_of_output(block: bytes) -> None:
    async def chatty(launch: Launch) -> int:
        launch.begin()
        await write_blocks(launch, block)
        launch.report(junit(passed=3))
        launch.mark("RC", "0")
        return 0

    gate = Gate()
    tracemalloc.start()
    try:
        async with running(Cluster([chatty])) as node:
            verdict = await gate.run_on(node, run_limit=300)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert verdict.passed
    assert sum(map(len, gate.log)) < 6_000_000
    assert peak < 40_000_000


async def test_bytes_that_are_not_text_do_no_harm() -> None:
    async def garbling(launch: Launch) -> int:
        launch.begin()
        launch.write(b"\xff\xfe\x00 half a sign \xe2\x82\r\n\x1b[31mred\x1b[0m \x1b]0;title\x07 10%\r 90%\r\n")
        launch.report(junit(passed=3))
        launch.write(b"\xc3")
        launch.mark("RC", "0")
        return 0

    gate = Gate()
    async with running(Cluster([garbling])) as node:
        verdict = await gate.run_on(node)
    assert verdict.passed
    assert "\ufffd\ufffd  half a sign \ufffd" in gate.log
    assert " 90%" in gate.log
    assert all(line.isprintable() for line in gate.log)
