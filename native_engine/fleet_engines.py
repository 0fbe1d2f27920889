"""The engines of a fleet, by their addresses: whether they answer, have the pinned version, and are different ones."""

import base64
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from native_engine import versions
from native_engine.client import RUNNER_HOST
from native_engine.errors import EngineError

DAGGERW = Path(__file__).resolve().parent.parent / "daggerw"
ANSWER_TIMEOUT = 60.0  # seconds, as all of these: for a session, and for a request
CONNECT_TIMEOUT = 5.0
CLOSE_TIMEOUT = 5.0
T = TypeVar("T")
_TRACE = re.compile(r" \[traceparent:[^\]]*\]")
_QUERY = json.dumps({"query": "{ version engine { clients } }"}).encode()


class Engine:
    """A session with an engine, as SDKs open them: a client of it until the session is closed."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        """Begin to connect."""
        self.address = address
        self._opened = False
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (until close)
        self._process = subprocess.Popen(
            [DAGGERW, "session", "--skip-workspace-modules"],
            env={**environment, RUNNER_HOST: address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the fleet, which ends all that it started
        )

    def connect(self) -> "Connection":
        """Wait until the session is open. Raises EngineError."""
        if problem := _unreachable(self.address):
            raise EngineError(problem)
        limit = threading.Timer(ANSWER_TIMEOUT, self._process.kill)
        limit.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            limit.cancel()
        try:
            session = json.loads(line)
            connection = Connection(self.address, int(session["port"]), str(session["session_token"]))
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{self.address} does not answer: {self._why()}") from error
        self._opened = True
        return connection

    def close(self) -> None:
        """End the session, which ends with its input. One that is not open yet is killed: a thread may read from it."""
        if not self._opened:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _why(self) -> str:
        self._errors.seek(0)
        lines = (line.strip() for line in reversed(self._errors.readlines()))
        found = next((line for line in lines if line.startswith("Error")), "")
        return _TRACE.sub("", found) or f"there is no session after {ANSWER_TIMEOUT:.0f} s"


class Connection(NamedTuple):
    """The port on localhost at which a session takes requests."""

    address: str
    port: int
    token: str

    def read(self) -> "Answer":
        """Raise EngineError if the engine does not answer."""
        credentials = base64.b64encode(f"{self.token}:".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/query"
        request = urllib.request.Request(url, data=_QUERY, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # localhost is not behind the proxy
        try:
            with opener.open(request, timeout=ANSWER_TIMEOUT) as response:
                data = json.load(response)["data"]
            return Answer(str(data["version"]).removeprefix("v"), frozenset(data["engine"]["clients"]))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{self.address} does not answer: {error}.") from error


class Answer(NamedTuple):
    """An engine's version, and the ids of all clients that are connected to it."""

    version: str
    clients: frozenset[str]


def is_up(address: str) -> bool:
    """Whether an engine answers."""
    engine = Engine(address, os.environ)
    try:
        engine.connect().read()
    except EngineError:
        return False
    finally:
        engine.close()
    return True


def check_engines(addresses: Sequence[str]) -> None:
    """Raise an EngineError with every reason why these are no engines for one fleet."""
    problems: list[str] = []

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except EngineError as error:
            problems.append(str(error))
            return None

    sessions = [Engine(address, os.environ) for address in addresses]
    with ThreadPoolExecutor(len(sessions)) as pool:
        try:
            # The lists of clients are read when all are connected.
            connected = [*filter(None, pool.map(attempt, [session.connect for session in sessions]))]
            answers = [*pool.map(attempt, [connection.read for connection in connected])]
        finally:
            for session in sessions:  # not by the pool, which may be waiting for them
                session.close()
    found = {one.address: answer for one, answer in zip(connected, answers, strict=True) if answer}
    problems += differences(found)
    if problems:
        raise EngineError("\n".join(problems))


def differences(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Yield why engines that answered at the same time, by their addresses, cannot build one stack.

    Two addresses lead to one engine if a client is connected over both: each session has an id of its own. Names do not
    tell engines apart, since those of one machine have its name.
    """
    for address, answer in answers.items():
        if answer.version != versions.ENGINE:
            yield (
                f"{address} is an engine of version {answer.version}: start one of version {versions.ENGINE} there, "
                "since the keys of images have the version."
            )
    for one, other in combinations(answers, 2):
        if answers[one].clients & answers[other].clients:
            yield f"{one} and {other} are one engine: give one address of each."


def _unreachable(address: str) -> str | None:
    """Return why nothing listens at an address; `dagger` itself tries for minutes."""
    parts = urlsplit(address)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(CONNECT_TIMEOUT)
                client.connect(parts.path)
        elif parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port or 0), CONNECT_TIMEOUT).close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return f"{address} does not answer: {why}. Is the engine up, and does it listen there?"
    return None
