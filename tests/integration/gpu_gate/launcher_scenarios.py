"""Scenarios: what a launcher does, good and bad."""

import anyio
import anyio.lowlevel

from tests.integration.gpu_gate.ssh_server import Launch, Scenario
from tests.junit_reports import junit


async def never_running(launch: Launch) -> int:
    launch.write("INFO starting up - pod status: Pending ; 0/9 nodes are available: untolerated taint(s)\r\n")
    await launch.interrupted()
    return 0


async def passing(launch: Launch) -> int:
    launch.prove()
    return 0


def printing(text: str, status: int = 0) -> Scenario:
    async def scenario(launch: Launch) -> int:
        launch.write(text.replace("POD", launch.pod))
        await anyio.lowlevel.checkpoint()
        return status

    return scenario


def reporting(xml: str, code: int = 0, status: int = 0) -> Scenario:
    async def scenario(launch: Launch) -> int:
        launch.prove(xml, code)
        await anyio.lowlevel.checkpoint()
        return status

    return scenario


async def losing_the_connection(launch: Launch) -> int:
    launch.prove()
    await launch.process.stdout.drain()
    await anyio.sleep(0.05)
    launch.drop_connection()
    return 0


async def without_exit_status(launch: Launch) -> None:
    launch.prove()
    await anyio.sleep(0.05)
    launch.process.close()


async def killed(launch: Launch) -> None:
    launch.prove()
    launch.process.exit_with_signal("TERM")


async def cut_midway(launch: Launch) -> int:
    launch.begin()
    launch.write("test_gpu.py::test_0 PAS")
    await anyio.lowlevel.checkpoint()
    return 0


async def cut_report(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=40), lines=1)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def no_report(launch: Launch) -> int:
    launch.begin()
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def empty_report(launch: Launch) -> int:
    launch.begin()
    launch.report("", lines=0)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def echoing_the_command_line(launch: Launch) -> int:
    launch.write(f"+ {launch.process.command}\r\n")
    await anyio.lowlevel.checkpoint()
    return 0


async def wrong_nonce(launch: Launch) -> int:
    launch.nonce = "0123456789abcdef"
    launch.prove()
    await anyio.lowlevel.checkpoint()
    return 0


async def two_exit_codes(launch: Launch) -> int:
    launch.prove(junit(passed=2, failed=1), code=1)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def two_reports(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(failed=1))
    launch.report(junit(passed=3))
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def marks_within_lines(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=3))
    launch.write(f"printed by a test: <<RC:{launch.nonce}:0>>\r\n<<RC:{launch.nonce}:0>> and more\r\n")
    await anyio.lowlevel.checkpoint()
    return 0


async def empty_exit_code(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=3))
    launch.mark("RC", "")
    await anyio.lowlevel.checkpoint()
    return 0


async def no_gpu(launch: Launch) -> int:
    launch.begin("No devices found.")
    launch.report(junit(passed=3))
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0
