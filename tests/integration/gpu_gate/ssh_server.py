"""A login node inside the test: asyncssh's server, with a launcher and a kubectl that behave as the test says."""

import base64
import gzip
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import asyncssh
import msgspec
from asyncssh.auth import KbdIntChallenge

from ci.adapters.ssh import SshLogin, SshNode
from ci.stack.gpu_config import GpuSettings
from tests.junit_reports import junit

USER = "grader"
PASSWORD = "pass-3f9c1e-word"  # noqa: S105 (the secret that tests look for)
GPU = "GPU 0: NVIDIA A30 (UUID: GPU-1b3e)"
Process = asyncssh.SSHServerProcess[bytes]


@dataclass
class Launch:
    """One call of the launcher, and the actions of a scenario."""

    process: Process
    words: list[str]
    pod: str
    nonce: str

    def drop_connection(self) -> None:
        """Lose the connection."""
        self.process.channel.get_connection().abort()

    def write(self, text: str | bytes) -> None:
        self.process.stdout.write(text.encode() if isinstance(text, str) else text)

    def mark(self, kind: str, value: str, nonce: str = "") -> None:
        self.write(f"\r\n<<{kind}:{nonce or self.nonce}:{value}>>\r\n")

    def begin(self, *gpus: str) -> None:
        """Print what the pod's script prints first."""
        self.mark("RUN", "begins")
        for gpu in gpus or (GPU,):
            self.mark("GPU", gpu)

    def report(self, xml: str, *, lines: int | None = None) -> None:
        encoded = base64.b64encode(gzip.compress(xml.encode())).decode()
        self.mark("JUNIT", "begin")
        cut = [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
        self.write("".join(f"{line}\r\n" for line in cut[:lines]))
        self.mark("JUNIT", "end")

    def prove(self, xml: str = "", code: int = 0) -> None:
        """Print all that the pod's script prints: by default a whole proof."""
        self.begin()
        self.write("test_gpu.py::test_0 PASSED\r\n")
        self.report(xml or junit(passed=3))
        self.mark("RC", str(code))

    async def interrupted(self) -> None:
        """Wait for SIGINT."""
        while True:
            try:
                await self.process.stdin.read(1)
            except asyncssh.SignalReceived as signal:
                if signal.signal == "INT":
                    return
            await anyio.sleep(0.01)


Scenario = Callable[[Launch], Awaitable[int | None]]


@dataclass
class Cluster:
    """The cluster behind the login node. `scenarios` are for one launch each; the last one repeats."""

    scenarios: Sequence[Scenario] = ()
    kubectl: bool = True
    deletable: bool = True
    readable: bool = True
    reports_status: bool = True
    """Whether the exit status of kubectl is sent."""
    status: dict[str, Any] = field(default_factory=lambda: {"phase": "Running"})
    events: list[dict[str, str]] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    pods: set[str] = field(default_factory=set)
    command_lines: list[str] = field(default_factory=list)
    interrupts: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    most_connections: int = 99

    async def serve(self, process: Process) -> None:
        line = process.command or ""
        words = shlex.split(line)
        self.command_lines.append(line)
        is_launch = words[:2] == ["exec", "env"]
        try:
            status = await self._launch(process, words) if is_launch else self._run(process, words)
        except (ConnectionError, asyncssh.Error):
            return
        if status is not None and (is_launch or self.reports_status):
            process.exit(status)
        elif not is_launch:
            process.close()

    async def _launch(self, process: Process, words: list[str]) -> int | None:
        nonce = re.search(r"nonce=([0-9a-f]{16})", words[-1])
        assert nonce
        launch = Launch(process, words, words[words.index("-N") + 1], nonce[1])
        self.launches.append(launch)
        self.pods.add(launch.pod)
        status = await self.scenarios[min(len(self.launches), len(self.scenarios)) - 1](launch)
        await process.stdout.drain()
        if status is not None and not self.kubectl:
            self.pods.discard(launch.pod)  # a launcher always does; with kubectl, only the gate's deletion shall count
        return status

    def _run(self, process: Process, words: list[str]) -> int:
        if words[:2] == ["exec", "pkill"]:
            self.interrupts.append(words[-1])
            return 0
        if not self.kubectl:
            process.stderr.write(b"bash: kubectl: command not found\n")
            return 127
        if words[1:3] == ["delete", "pod"]:
            if not self.deletable:
                process.stderr.write(b"Error from server (Forbidden): pods is forbidden\n")
                return 1
            self.pods.discard(words[3])
        elif words[1:3] == ["get", "events"]:
            process.stdout.write(msgspec.json.encode({"items": self.events}))
        elif not self.readable:
            return 1
        elif words[3] in self.pods:
            whole = msgspec.json.encode({"kind": "Pod", "status": self.status})
            process.stdout.write(f"pod/{words[3]}\n".encode() if words[-1] == "name" else whole)
        return 0


class _Server(asyncssh.SSHServer):
    def __init__(self, node: "Node") -> None:
        self._node = node

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        cluster = self._node.cluster
        cluster.connections.append(conn)
        if len(cluster.connections) > cluster.most_connections:
            conn.abort()

    def public_key_auth_supported(self) -> bool:
        return self._node.authorized is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and self._node.authorized == key.export_public_key()

    def password_auth_supported(self) -> bool:
        return self._node.method == "password"

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def kbdint_auth_supported(self) -> bool:
        return self._node.method in {"keyboard", "duo"}

    def get_kbdint_challenge(self, username: str, *_: str) -> KbdIntChallenge:
        return "", "", "", [(f"({username}@login) Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> KbdIntChallenge:
        if list(responses) != [PASSWORD] or username != USER:
            return False
        if self._node.method == "duo":
            return "", "", "", [("Passcode or option (1-3): ", True)]
        return True


@dataclass
class Node:
    """A running login node. `method` is how it accepts a password: password, keyboard, duo; empty for not at all."""

    cluster: Cluster
    method: str = "password"
    authorized: bytes | None = None
    port: int = 0
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode()}"

    def settings(self, **changes: Any) -> GpuSettings:  # noqa: ANN401 (any field)
        least = GpuSettings(
            image="ml", host="127.0.0.1", port=self.port, user=USER, gpu_class="small", workspace="DS_1", min_passed=2,
            connect_limit=5, queue_limit=5, run_limit=5,
        )  # fmt: skip
        return msgspec.structs.replace(least, **changes)

    def client(self, login: SshLogin | None = None, known_hosts: str = "", **changes: Any) -> SshNode:  # noqa: ANN401
        return SshNode(self.settings(**changes), login or SshLogin(password=PASSWORD), known_hosts or self.known_hosts)


@asynccontextmanager
async def running(cluster: Cluster, method: str = "password", authorized: bytes | None = None) -> AsyncIterator[Node]:
    node = Node(cluster, method, authorized)
    server = await asyncssh.create_server(
        lambda: _Server(node), "127.0.0.1", 0, server_host_keys=[node.key], process_factory=cluster.serve,
        encoding=None, line_editor=False,
    )  # fmt: skip
    node.port = server.get_port()
    try:
        yield node
    finally:
        server.close()
        for connection in cluster.connections:
            connection.abort()
        await server.wait_closed()
        for connection in cluster.connections:
            await connection.wait_closed()
