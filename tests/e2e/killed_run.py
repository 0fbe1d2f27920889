"""A `./daggerw call` that is killed: its client, or the process of the module in the engine."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from tests.e2e.conftest import ROOT
from tests.e2e.crash_proxy import CrashProxy, Point

# Seconds without a process and a request of the run, after which it has ended, and for which that is waited.
_QUIET = 0.3
_LONGEST = 300.0


class Victim(StrEnum):
    CLIENT = "client"
    MODULE = "module"


class KilledRun(NamedTuple):
    """`hit` is the request at which it was killed, empty if it ended before that; `printed` is all that it printed."""

    hit: str
    writes: int
    exit_code: int
    printed: str


def run_and_kill(words: Sequence[str | Path], proxy: CrashProxy, point: Point, victim: Victim) -> KilledRun:
    """Run `./daggerw call …`, kill it at a point, and wait until nothing of it is left.

    The engine hands the caller's trace on to the containers it starts for it: this is how the module is found, in a
    machine where other runs may be under way.
    """
    trace = secrets.token_hex(16)
    environment = {**os.environ, "TRACEPARENT": f"00-{trace}-{secrets.token_hex(8)}-01"}
    command = [sys.executable, str(ROOT / "daggerw"), "call", *map(str, words)]
    problems: list[str] = []
    with TemporaryFile("w+") as printed:
        client = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=printed, stderr=subprocess.STDOUT)

        def kill() -> None:
            if victim is Victim.CLIENT:
                client.kill()
                return
            killed = [*module_processes(trace)]
            if not killed:
                problems.append("The module's process was not found: it runs as another user, or on another machine.")
            for process in killed:
                os.kill(process, signal.SIGKILL)

        proxy.arm(point, kill)
        try:
            _wait_for_end(client, trace, proxy)
        finally:
            client.kill()
            client.wait()
        hit, writes = proxy.hit, len(proxy.writes)
        proxy.arm()
        assert not problems, problems
        printed.seek(0)
        return KilledRun(hit, writes, client.returncode, printed.read())


def module_processes(trace: str) -> Iterator[int]:
    """Find the module's Python processes of one call."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError):  # it ended in the meantime, or is somebody else's
            program, *words = (folder / "cmdline").read_bytes().split(b"\0")
            is_module = program != b"/.init" and any(word.startswith(b"/runtime") for word in words)
            if is_module and trace.encode() in (folder / "environ").read_bytes():
                yield int(folder.name)


def _wait_for_end(client: subprocess.Popen[bytes], trace: str, proxy: CrashProxy) -> None:
    deadline = time.monotonic() + _LONGEST
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _QUIET:
        assert time.monotonic() < deadline, "the run did not end"
        time.sleep(0.05)
        if client.poll() is None or proxy.pending or any(module_processes(trace)):
            quiet_since = time.monotonic()
