"""The protocols of the GPU gate. `ci.adapters.ssh` implements them; the tests use it with a real SSH server."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from ci.errors import ExternalError

LogLine = Callable[[str], None]
"""Shows a line to the operator."""


class NodeError(ExternalError):
    """The login node failed."""


class NodeLoginError(NodeError):
    """The login node does not accept the account."""


class NodeKeyError(NodeError):
    """The login node does not have the known host key."""


class NodeLostError(NodeError):
    """The login node cannot be reached, or the connection to it is lost."""


class CommandExit(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. Without code and signal this is unknown: the connection was lost before."""

    code: int | None = None
    signal: str = ""

    @property
    def known(self) -> bool:
        """Whether the node reported that the command has ended."""
        return self.code is not None or bool(self.signal)


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a short command."""

    code: int
    output: bytes
    errors: bytes = b""


class RemoteCommand(Protocol):
    """A running command on the login node."""

    async def read(self) -> bytes:
        """Return the next part of its output, stdout and stderr together; empty at the end. Never raises."""
        ...

    async def wait(self) -> CommandExit:
        """Return how it ended. To be called at the end of its output."""
        ...

    def interrupt(self) -> None:
        """Send SIGINT to the command and all its children, as Ctrl-C does."""
        ...


class LoginSession(Protocol):
    """A connection to the login node. The account's shell there runs the command lines."""

    def start(self, line: str) -> AbstractAsyncContextManager[RemoteCommand]:
        """Start a command. It may go on after the context ends. Raises NodeLostError."""
        ...

    async def run(self, line: str, limit: float) -> CommandResult:
        """Run a short command for at most `limit` seconds. Raises NodeLostError without a result."""
        ...


class LoginNode(Protocol):
    """A machine that launches pods."""

    @property
    def host(self) -> str:
        """Its host name."""
        ...

    def connect(self, limit: float) -> AbstractAsyncContextManager[LoginSession]:
        """Log in, within `limit` seconds. Raises a NodeError."""
        ...


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's intervals and limits, in seconds."""

    poll: float = 5
    """Between two queries of the pod's state."""
    query: float = 30
    """For one kubectl command."""
    margin: float = 120
    """After the tests' own limit, for their result to arrive."""
    interrupt: float = 30
    """For the launcher to clean up after SIGINT."""
    delete: float = 180
    """For deleting the pod, with new connections if needed."""
    retry: float = 60
    """Before the second attempt; doubled each time. An earlier pod holds its GPU for a minute or two."""
