"""Runs the calls of a fleet: one `./daggerw call` each, on one engine, with its output in a file."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from native_engine.client import RUNNER_HOST
from native_engine.errors import EngineError
from native_engine.fleet_engines import DAGGERW, is_up
from native_engine.fleet_queue import Ending
from native_engine.fleet_words import Function, Words

STOP_TIMEOUT = 60.0  # seconds: a client that is interrupted waits for the engine to end what it does
LAST_LINES = 12  # of a call's output, shown if it failed
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Call(NamedTuple):
    """How a call ended."""

    exit_code: int
    seconds: float
    log: Path

    @property
    def failure(self) -> str:
        """What went wrong: the end of its output, and where all of it is."""
        text = _ESCAPES.sub("", self.log.read_text(encoding="utf-8", errors="replace"))
        last = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
        return "\n    ".join([f"exit code {self.exit_code}, full output in {self.log}. Last lines:", *last])


class DaggerClients:
    """The calls of a fleet that are running. `kept` is the folder of what the shares leave."""

    def __init__(self, words: Words, kept: Path) -> None:
        """Take what is to be called, and where the results go."""
        self._words = words
        self._kept = kept
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def call(self, engine: str, function: Function, own: Sequence[str], log: Path) -> Call:
        """Call a function on an engine, and wait for its end."""
        log.parent.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        with log.open("wb") as output, self._lock:
            if self._stopped:
                raise EngineError(f"{function} was not started: the fleet is stopping.")
            process = subprocess.Popen(
                [DAGGERW, *self._words.call(function, *own)],
                env={**os.environ, RUNNER_HOST: engine},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the fleet, which interrupts each once: twice would kill
            )
            self._running.add(process)
        try:
            process.wait()
        finally:
            if process.returncode is not None:
                with self._lock:
                    self._running.discard(process)
        return Call(process.returncode, time.monotonic() - begin, log)

    def build(self, share: str, engine: str, attempt: int) -> Ending:
        """Build one share."""
        folder = self._kept / share / f"attempt-{attempt}"
        own = ["--shares", str(self._kept / "division" / "shares.json"), "--share", share, "-o", str(folder)]
        try:
            call = self.call(engine, Function.SHARE, own, folder.with_suffix(".log"))
        except (EngineError, OSError) as error:
            return Ending(has_report=False, text=str(error))
        report = read_json(folder / "report.json") if call.exit_code == 0 else None
        took = duration(call.seconds)
        if report is None:
            return Ending(has_report=False, text=f"ended without a report after {took}, {call.failure}")
        return Ending(has_report=True, text=f"{outcomes(report)}, {took}")

    def is_up(self, engine: str) -> bool:
        """Whether an engine answers; none does for a fleet that is stopping."""
        return not self._stopped and is_up(engine)

    def stop(self) -> None:
        """Interrupt all calls and wait for their end; one that takes too long, or a second interrupt, kills them."""
        with self._lock:
            self._stopped = True
            running = [*self._running]
        try:
            for process in running:
                process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + STOP_TIMEOUT
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            for process in running:
                process.kill()


def read_json(path: Path) -> Mapping[str, Any] | None:
    """Return the object in a file; None if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def outcomes(report: Mapping[str, Any]) -> str:
    """Return how many images of a report ended how: "built 3, blocked 1"."""
    images = report.get("images")
    counts = Counter(str(image.get("outcome")) for image in images) if isinstance(images, list) else {}
    return ", ".join(f"{outcome} {number}" for outcome, number in counts.items()) or "nothing to do"


def duration(seconds: float) -> str:
    """Return seconds as a person says them: 4 min 10 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
