"""The login node over SSH, by asyncssh. It runs on asyncio only.

Nothing of this machine is used: no SSH configuration, agent, key or known host of the user who runs it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import asyncssh
import msgspec
from typing_extensions import override

from ci.errors import RequestError
from ci.gpu_gate.ports import (
    CommandExit,
    CommandResult,
    LoginNode,
    LoginSession,
    NodeError,
    NodeKeyError,
    NodeLoginError,
    NodeLostError,
    RemoteCommand,
)
from ci.stack.gpu_config import GpuSettings

_CHUNK = 64 << 10
# A connection that died silently is noticed in about a minute.
_KEEPALIVE = 15
_KEEPALIVE_MAX = 4
# Seconds. Some servers never send how a command ended: https://github.com/ronf/asyncssh/issues/591.
_CLOSE_TIMEOUT = 30.0


class SshLogin(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of an account: a private key in OpenSSH's or PEM form, a password, or both."""

    private_key: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "SshLogin(…)"


class SshNode(LoginNode):
    """A login node, verified by its host key in `known_hosts`, the text of a file such as ~/.ssh/known_hosts.

    `address` is the host and port to connect to if not the configured ones; the host key is looked up by name all the
    same. Raises RequestError for secrets or known hosts that cannot be read, before anything is sent.
    """

    def __init__(
        self, settings: GpuSettings, login: SshLogin, known_hosts: str, address: tuple[str, int] | None = None
    ) -> None:
        self._settings = settings
        self._address = address or (settings.host, settings.port)
        self._password = login.password or None
        self._keys = [_read_key(login.private_key)] if login.private_key.strip() else []
        self._known_hosts = _read_known_hosts(known_hosts, settings)
        if not self._keys and not self._password:
            raise RequestError(f"The GPU gate needs a login for {settings.host}: give --ssh-key or --ssh-password.")

    @property
    @override
    def host(self) -> str:
        return self._settings.host

    @override
    @asynccontextmanager
    async def connect(self, limit: float) -> AsyncIterator["SshSession"]:
        connection = await self._connect(limit)
        try:
            yield SshSession(connection, self.host)
        finally:
            with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
                connection.close()
                await connection.wait_closed()
            connection.abort()

    async def _connect(self, limit: float) -> asyncssh.SSHClientConnection:
        try:
            with anyio.fail_after(limit):
                return await asyncssh.connect(
                    *self._address,
                    host_key_alias=self.host,
                    username=self._settings.user,
                    password=self._password,
                    client_keys=self._keys or None,
                    known_hosts=self._known_hosts,
                    config=None,
                    agent_path=None,
                    gss_auth=False,
                    gss_kex=False,
                    host_based_auth=False,
                    login_timeout=limit,
                    keepalive_interval=_KEEPALIVE,
                    keepalive_count_max=_KEEPALIVE_MAX,
                )
        except (OSError, asyncssh.Error) as error:
            raise self._node_error(error, limit) from error

    def _node_error(self, error: OSError | asyncssh.Error, limit: float) -> NodeError:
        node = f"{self.host} (port {self._settings.port})"
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return NodeKeyError(self._key_problem(node))
        if isinstance(error, asyncssh.PermissionDenied):
            return NodeLoginError(
                f"{node} does not accept the login of {self._settings.user}: check --ssh-key or --ssh-password. An "
                "account with a second factor cannot be used: ask for an exemption."
            )
        if isinstance(error, TimeoutError):
            return NodeLostError(f"{node} did not respond within {limit:.0f} s (gpu.connect-limit): run again later.")
        return NodeLostError(
            f"Cannot connect to {node}: {_as_one_line(error)}. Check gpu.host and gpu.port, or run again later."
        )

    def _key_problem(self, node: str) -> str:
        known = self._known_hosts.match(self.host, "", self._settings.port)
        if any(known[:2]):
            return (
                f"{node} has another host key than the one in --known-hosts: the key was changed, or the connection is "
                "intercepted. Ask the operators of the node for the new key before you add it."
            )
        name = self.host if self._settings.port == asyncssh.DEFAULT_PORT else f"[{self.host}]:{self._settings.port}"
        return (
            f"{node} is not in --known-hosts, so it is not trusted: ask the operators of the node for its host key and "
            f"add the line '{name} TYPE KEY'."
        )


class SshSession(LoginSession):
    """An open SSH connection."""

    def __init__(self, connection: asyncssh.SSHClientConnection, host: str) -> None:
        self._connection = connection
        self._host = host

    @override
    @asynccontextmanager
    async def start(self, line: str) -> AsyncIterator["SshCommand"]:
        try:
            # As bytes: invalid UTF-8 would end the whole connection. Without input, for which a command would wait.
            process = await self._connection.create_process(
                line, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
            )
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        try:
            yield SshCommand(process)
        finally:
            process.close()

    @override
    async def run(self, line: str, limit: float) -> CommandResult:
        try:
            with anyio.fail_after(limit):
                done = await self._connection.run(line, stdin=asyncssh.DEVNULL, encoding=None)
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        # When the connection ends while a command runs, asyncssh raises no error: the exit status is missing.
        if done.exit_status is None:
            raise NodeLostError(f"The connection to {self._host} was lost: run again.")
        return CommandResult(code=done.exit_status, output=_bytes(done.stdout), errors=_bytes(done.stderr))

    def _lost(self, error: OSError | asyncssh.Error) -> NodeLostError:
        return NodeLostError(f"{self._host} cannot run commands any more ({_as_one_line(error)}): run again.")


class SshCommand(RemoteCommand):
    """A command that runs over SSH."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    @override
    async def read(self) -> bytes:
        try:
            return await self._process.stdout.read(_CHUNK)
        except (OSError, asyncssh.Error):
            return b""

    @override
    async def wait(self) -> CommandExit:
        with anyio.move_on_after(_CLOSE_TIMEOUT), suppress(OSError, asyncssh.Error):
            await self._process.wait_closed()
        signal = self._process.exit_signal
        return CommandExit(signal=signal[0]) if signal else CommandExit(code=self._process.exit_status)

    @override
    def interrupt(self) -> None:
        with suppress(OSError, asyncssh.Error):
            self._process.send_signal("INT")


def _read_key(text: str) -> asyncssh.SSHKey:
    try:
        # A secret pasted into a form may have lost its last line break, or have Windows line breaks.
        return asyncssh.import_private_key(text.replace("\r\n", "\n").strip() + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        if "passphrase" in str(error).lower():
            problem = "is protected by a passphrase: give one without"
        else:
            problem = "cannot be read: give the whole text of a file such as ~/.ssh/id_ed25519, not of the .pub file"
        # Without asyncssh's message, which might quote the key.
        raise RequestError(f"The private key (--ssh-key) {problem}.") from None


def _read_known_hosts(text: str, settings: GpuSettings) -> asyncssh.SSHKnownHosts:
    try:
        if text.strip():
            return asyncssh.import_known_hosts(text)
    except ValueError as error:
        raise RequestError(f"The known hosts (--known-hosts) cannot be read: {error}.") from error
    raise RequestError(
        f"The GPU gate needs the host key of {settings.host}: give --known-hosts, the text of a file such as "
        "~/.ssh/known_hosts, with a key that the operators of the node have confirmed."
    )


def _as_one_line(error: OSError | asyncssh.Error) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _bytes(output: object) -> bytes:
    return output if isinstance(output, bytes) else b""
