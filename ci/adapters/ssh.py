"""The login node over SSH, by asyncssh. It runs on asyncio only.

Nothing of this machine has a say: no configuration, agent, key or known host of whoever runs it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import asyncssh
import msgspec

from ci.errors import RequestError
from ci.gpu_gate.ports import CommandExit, CommandResult, NodeError, NodeKeyError, NodeLoginError, NodeLostError
from ci.stack.gpu_config import GpuSettings

_PIECE = 64 << 10
# A peer that is gone without a word is found in about a minute.
_KEEPALIVE = 15
_KEEPALIVE_MOST = 4
# Servers exist that never tell how a command ended: https://github.com/ronf/asyncssh/issues/591.
_FAREWELL = 30.0


class SshLogin(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of an account: a private key in OpenSSH's or PEM form, a password, or both."""

    private_key: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "SshLogin(…)"


class SshNode:
    """A LoginNode that is proved by `known_hosts`, the text of a file as ssh keeps it.

    `address` is the host and port where it answers, if not under its name; it is proved by its name all the same.
    Raises RequestError for secrets or known hosts that cannot be read, before anything is sent.
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
            raise RequestError(
                f"The GPU gate cannot log in to {settings.host} without a secret: give --ssh-key or --ssh-password."
            )

    @property
    def host(self) -> str:
        """Its name."""
        return self._settings.host

    @asynccontextmanager
    async def connect(self, limit: float) -> AsyncIterator["SshSession"]:
        """Log in, within `limit` seconds. Raises a NodeError."""
        connection = await self._connect(limit)
        try:
            yield SshSession(connection, self.host)
        finally:
            with anyio.move_on_after(_FAREWELL, shield=True):
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
                    keepalive_count_max=_KEEPALIVE_MOST,
                )
        except (OSError, asyncssh.Error) as error:
            raise self._meaning(error, limit) from error

    def _meaning(self, error: OSError | asyncssh.Error, limit: float) -> NodeError:
        place = f"{self.host}, port {self._settings.port}"
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return NodeKeyError(self._unproved(place))
        if isinstance(error, asyncssh.PermissionDenied):
            return NodeLoginError(
                f"{place}, does not accept {self._settings.user} with the given secret: check --ssh-key or "
                "--ssh-password. An account that is asked for a second factor cannot be used: have it exempted."
            )
        if isinstance(error, TimeoutError):
            return NodeLostError(f"{place}, did not answer within {limit:.0f} s (gpu.connect-limit): run again later.")
        return NodeLostError(
            f"{place}, cannot be connected to ({_words(error)}): check gpu.host and gpu.port, or run again later."
        )

    def _unproved(self, place: str) -> str:
        known = self._known_hosts.match(self.host, "", self._settings.port)
        if any(known[:2]):
            return (
                f"{place}, shows another host key than the one that is known: it was changed, or somebody stands "
                "between. Ask those who run it for its new key, and only then give it with --known-hosts."
            )
        name = self.host if self._settings.port == asyncssh.DEFAULT_PORT else f"[{self.host}]:{self._settings.port}"
        return (
            f"{place}, is not among the known hosts, so it is not trusted: ask those who run it for its key, and add "
            f"the line '{name} TYPE KEY' to --known-hosts."
        )


class SshSession:
    """A LoginSession."""

    def __init__(self, connection: asyncssh.SSHClientConnection, host: str) -> None:
        self._connection = connection
        self._host = host

    @asynccontextmanager
    async def start(self, line: str) -> AsyncIterator["SshCommand"]:
        """Start a command. Raises NodeLostError."""
        try:
            # Bytes: one that is no UTF-8 would end the whole connection. No input: a command would wait for it.
            process = await self._connection.create_process(
                line, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
            )
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        try:
            yield SshCommand(process)
        finally:
            process.close()

    async def run(self, line: str, limit: float) -> CommandResult:
        """Run a short command, at most `limit` seconds. Raises NodeLostError if no answer comes."""
        try:
            with anyio.fail_after(limit):
                done = await self._connection.run(line, stdin=asyncssh.DEVNULL, encoding=None)
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        # No error is raised when the connection ends while a command runs; there is only no exit status.
        if done.exit_status is None:
            raise NodeLostError(f"The connection to {self._host} was lost: run again.")
        return CommandResult(code=done.exit_status, output=_bytes(done.stdout), errors=_bytes(done.stderr))

    def _lost(self, error: OSError | asyncssh.Error) -> NodeLostError:
        return NodeLostError(f"{self._host} does not run commands any more ({_words(error)}): run again.")


class SshCommand:
    """A RemoteCommand."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    async def read(self) -> bytes:
        """Return the next piece of its output, empty when there is no more."""
        try:
            return await self._process.stdout.read(_PIECE)
        except (OSError, asyncssh.Error):
            return b""

    async def wait(self) -> CommandExit:
        """Return how it ended, once its output has."""
        with anyio.move_on_after(_FAREWELL), suppress(OSError, asyncssh.Error):
            await self._process.wait_closed()
        signal = self._process.exit_signal
        return CommandExit(signal=signal[0]) if signal else CommandExit(code=self._process.exit_status)

    def interrupt(self) -> None:
        """Send it what Ctrl-C sends."""
        with suppress(OSError, asyncssh.Error):
            self._process.send_signal("INT")


def _read_key(text: str) -> asyncssh.SSHKey:
    try:
        # A secret that went through a form may have lost its last line's end, or have got that of Windows.
        return asyncssh.import_private_key(text.replace("\r\n", "\n").strip() + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        if "passphrase" in str(error).lower():
            told = "is locked with a passphrase: give one that is not"
        else:
            told = "cannot be read: give the whole text of a file such as ~/.ssh/id_ed25519, the one without .pub"
        # Not in asyncssh's words, which might quote the key.
        raise RequestError(f"The private key (--ssh-key) {told}.") from None


def _read_known_hosts(text: str, settings: GpuSettings) -> asyncssh.SSHKnownHosts:
    try:
        if text.strip():
            return asyncssh.import_known_hosts(text)
    except ValueError as error:
        raise RequestError(f"The known hosts (--known-hosts) cannot be read: {error}.") from error
    raise RequestError(
        f"The GPU gate needs the host key of {settings.host}: give --known-hosts, the text of a file as ssh keeps it, "
        "with a key that those who run the node have confirmed."
    )


def _words(error: OSError | asyncssh.Error) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _bytes(output: object) -> bytes:
    return output if isinstance(output, bytes) else b""
