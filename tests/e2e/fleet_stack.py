"""A stack of six images, and what publishes it on two engines."""

import os
import signal
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPSConnection
from pathlib import Path

from native_engine.client import CLI_BIN
from native_engine.processes import children_of
from tests.e2e.divided import write_divider
from tests.e2e.notebook_stack import PYTHON, SUITE, TOML, Operator
from tests.e2e.published_stack import StackReader, TagState
from tests.e2e.stacks import BASE
from tests.integration.adapters.oci.debian import Request

ROOT = Path(__file__).parents[2]
FLEET = ROOT / "native_engine" / "fleet"
FILES = {
    "images/stack.toml": TOML,
    "images/base/Dockerfile": BASE.replace("COPY", f"{PYTHON}COPY", 1),
    "images/base/greeting": "hello\n",
    "images/base/tests/image/test_base.py": SUITE,
    "images/da1/Dockerfile": "FROM base\nUSER root\nRUN head -c 300000 /dev/urandom > /da1\n",
    "images/da2/Dockerfile": "FROM da1\nRUN echo da2 > /da2\n",
    "images/db1/Dockerfile": "FROM base\nUSER root\nRUN head -c 300000 /dev/urandom > /db1\n",
    "images/db1/tests/image/test_db1.py": SUITE,
    "images/db2/Dockerfile": "FROM db1\nRUN echo db2 > /db2\n",
    "images/solo/Dockerfile": "FROM debian:bookworm-slim\nRUN echo solo > /solo\n",
}
# The same without tests, which builds in seconds. A `RUN sleep` makes one of them wait, so that it can be interrupted.
WAITING = {
    "images/stack.toml": TOML,
    "images/base/Dockerfile": BASE,
    "images/base/greeting": "hello\n",
    "images/da1/Dockerfile": "FROM base\nUSER root\n{da1}RUN echo da1 > /da1\n",
    "images/da2/Dockerfile": FILES["images/da2/Dockerfile"],
    "images/db1/Dockerfile": "FROM base\nUSER root\n{db1}RUN echo db1 > /db1\n",
    "images/db2/Dockerfile": FILES["images/db2/Dockerfile"],
    "images/solo/Dockerfile": FILES["images/solo/Dockerfile"],
}
PARENTS = {"da1": "base", "da2": "da1", "db1": "base", "db2": "db1"}
IMAGES = ("base", "da1", "da2", "db1", "db2", "solo")
SHARES = {"trunk-1": ("base", "solo"), "branch-1": ("da1", "da2"), "branch-2": ("db1", "db2")}


class Fleet:
    """`native_engine/fleet` on two engines, as an operator types it. What it prints goes to files."""

    def __init__(self, operator: Operator, engines: Sequence[str], folder: Path) -> None:
        self.operator = operator
        self.engines = engines
        self.report = folder / "report"
        self.kept = self.report / "shares"
        self._printed = folder / "printed"
        self._errors = folder / "errors"
        self._dagger = write_divider(folder, SHARES, PARENTS)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it; whatever is left of it and of its clients at the end is killed."""
        engines = [word for engine in self.engines for word in ("--on", engine)]
        words = ["-o", str(self.report), f"--source={self.operator.repository.root}", *self.operator.registry]
        command: list[str | Path] = [FLEET, *engines, *words, "build-report", "--publish"]
        environment = {**os.environ, CLI_BIN: str(self._dagger)}
        with self._printed.open("wb") as printed, self._errors.open("wb") as errors:
            process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=printed, stderr=errors)
        try:
            yield process
        finally:
            self.kill(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill it and all its clients, as when a machine goes down."""
        clients = self.clients(process)
        process.kill()
        process.wait()
        for client in clients:
            with suppress(ProcessLookupError):
                os.kill(client, signal.SIGKILL)

    def clients(self, process: subprocess.Popen[bytes], word: str = "") -> list[int]:
        """Return the pids of its clients, of those with this word on their command line."""
        words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in children_of(process.pid)}
        return [pid for pid, own in words.items() if not word or word.encode() in own]

    def run(self) -> int:
        with self.running() as process:
            return process.wait(timeout=500)

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    @property
    def state(self) -> TagState:
        """What the tag of the stack points to, read from the registry: is it whole, and each on its parent?"""
        trust = ssl.create_default_context(cadata=self.operator.debian.ca)
        host, name = self.operator.debian.host, self.operator.name.partition("/")[2]
        parents = {image: PARENTS.get(image, "") for image in IMAGES}
        return StackReader(lambda: HTTPSConnection(host, context=trust), name, parents).read(self.operator.tag)

    def requests(self, method: str, of: str) -> Iterator[tuple[str, Request]]:
        """Yield the requests for this stack that succeeded, by image; `of` is a part of their paths."""
        name = self.operator.name.partition("/")[2]
        for request in self.operator.debian.requests:
            image, _, rest = request.path.removeprefix(f"/v2/{name}/").partition("/")
            if image in IMAGES and request.method == method and request.status < 300 and rest.startswith(of):
                yield image, request
