"""What the GPU gate asks of the world, as protocols. `ci.adapters.ssh` fulfils them over SSH."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import anyio
import msgspec

from ci.errors import ExternalError

LogLine = Callable[[str], None]
"""Shows a line to the person who waits."""


class NodeError(ExternalError):
    """The login node did not do what was asked of it."""


class NodeLoginError(NodeError):
    """It does not accept the account."""


class NodeKeyError(NodeError):
    """It is not proved to be the node that is known."""


class NodeLostError(NodeError):
    """It cannot be reached, or the connection to it is gone."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. Without status and signal nobody knows: the connection was lost before it was told."""

    status: int | None = None
    signal: str = ""

    @property
    def known(self) -> bool:
        """Whether the node told that the command has ended."""
        return self.status is not None or bool(self.signal)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a short command answered."""

    status: int
    output: bytes
    errors: bytes = b""


class RemoteCommand(Protocol):
    """A command at work on the login node."""

    async def read(self) -> bytes:
        """Return the next piece of its output, both streams together; empty when there is no more. Never raises."""
        ...

    async def ended(self) -> Ended:
        """Return how it ended, once its output has."""
        ...

    def interrupt(self) -> None:
        """Send it, and all that it started, what Ctrl-C sends."""
        ...


class LoginSession(Protocol):
    """A connection to the login node. A command line is run by the account's shell there."""

    def start(self, line: str) -> AbstractAsyncContextManager[RemoteCommand]:
        """Start a command. Raises NodeLostError. When the context ends, the command may still be at work there."""
        ...

    async def ask(self, line: str, limit: float) -> Answer:
        """Run a short command, at most `limit` seconds. Raises NodeLostError if no answer comes."""
        ...


class LoginNode(Protocol):
    """A machine from which pods are launched."""

    @property
    def host(self) -> str:
        """Its name."""
        ...

    def connect(self, limit: float) -> AbstractAsyncContextManager[LoginSession]:
        """Log in, within `limit` seconds. Raises a NodeError."""
        ...


class Clock:
    """The time, in seconds of Unix time, and waiting between attempts. Tests bring one that does not wait."""

    def now(self) -> float:
        """Return the time now."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How fast the gate goes, in seconds."""

    look: float = 5
    """Between two looks at the pod."""
    answer: float = 30
    """For an answer of kubectl."""
    spare: float = 120
    """What the tests' own limit leaves to telling what came of them."""
    interrupt: float = 30
    """For the launcher to clean up after itself."""
    clean_up: float = 180
    """For having the pod deleted, connecting again included."""
    retry: float = 60
    """Before the second attempt; doubled each time. An earlier pod holds its GPU for a minute or two."""
