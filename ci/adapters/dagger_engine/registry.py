"""How the engine itself reaches the registry: whom it logs in as, through which service, and what it says of a push."""

import random
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import anyio
import dagger
from dagger import dag

from ci.adapters.dagger_engine.errors import answered
from ci.build.ports import EngineFailure
from ci.errors import ExternalError
from ci.stack.model import Compression

T = TypeVar("T")

_TRIES = 4
# Seconds. Between tries: 2, 4, 8, shortened by chance to as little as half. The engine does not tell what a registry
# says in Retry-After, but what was sent is not sent again.
_FIRST_DELAY = 2.0
# Seconds for a manifest and a configuration, and for all layers of an image. The engine itself would wait for ever: it
# was seen to, for a registry behind a service whose connection had been cut.
_PATIENCE = 60.0
_LONG_PATIENCE = 3600.0
_STATUS = re.compile(r"unexpected status from \w+ request to (\S+?): (\d{3})")
_FINAL = re.compile(
    r"authorization failed|access denied|insufficient_scope|no space left|quota|certificate|HTTP response to HTTPS",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"connection (?:reset|refused)|broken pipe|\bEOF\b|i/o timeout|use of closed|no such host|TLS handshake timeout"
    r"|server closed|deadline exceeded",
    re.IGNORECASE,
)
# Statuses by what the person who reads this can do about them.
_ADVICE = {
    "400": "the registry takes what was sent for wrong",
    "401": "the registry does not accept the login: check --registry-username and --registry-password",
    "403": "this account may not write there: give it the right to, or create the repository",
    "404": "there is no such repository: create it, or correct the name",
    "413": "the registry, or a proxy before it, does not take layers of this size",
    "429": "the registry was asked too often: wait, or log in as one who may ask more",
    "507": "the registry has no room: free space or raise the quota there",
}


class EngineRegistry(NamedTuple):
    """The registry of the stack. `host` is its name in references; `service`, if there is one, stands behind it."""

    host: str
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None
    compression: Compression = Compression.GZIP
    patience: float = _LONG_PATIENCE

    async def login(self) -> None:
        """Have the engine use the login in this session, for pulls of a Dockerfile's lines of FROM, too."""
        if self.password is not None:
            await dag.container().with_registry_auth(self.host, self.username, self.password).sync()

    async def fetch(self, reference: str) -> EngineFailure | None:
        """Bring a published image, named by digest, to where a line of FROM finds it.

        Such a line cannot be told of a service. It looks among what the engine has, before it asks anybody.
        """
        image = dag.container().from_(reference, registry_service=self.service)
        got: object = await _persist(lambda: _within(_PATIENCE, image.image_ref()))
        if self.service is not None and not isinstance(got, EngineFailure):
            got = await _persist(lambda: _within(self.patience, image.sync()))
        return got if isinstance(got, EngineFailure) else None

    async def push(self, image: dagger.Container, target: str) -> str | EngineFailure:
        """Push an image to a tag; return the digest of its manifest."""
        name = dagger.ImageLayerCompression.Zstd
        if self.compression is Compression.GZIP:
            name = dagger.ImageLayerCompression.Gzip
        answer = await _persist(
            lambda: _within(
                self.patience, image.publish(target, forced_compression=name, registry_service=self.service)
            )
        )
        return answer if isinstance(answer, EngineFailure) else answer.rpartition("@")[2]


async def _within(seconds: float, asked: Awaitable[T]) -> T | EngineFailure:
    with anyio.move_on_after(seconds):
        return await answered(asked)
    return EngineFailure(message=f"deadline exceeded: the registry did not answer within {seconds:.0f} s")


async def _persist(attempt: Callable[[], Awaitable[T | EngineFailure]]) -> T | EngineFailure:
    for tried in range(1, _TRIES + 1):
        answer = await attempt()
        if not isinstance(answer, EngineFailure):
            return answer
        if tried == _TRIES or not is_transient(answer.message):
            return explained(answer, tried)
        await anyio.sleep(_FIRST_DELAY * (1 << tried - 1) * (0.5 + random.random() / 2))  # noqa: S311 (no secret)
    raise AssertionError("a last try is answered")


def is_transient(message: str) -> bool:
    """LogLine whether what the engine said of a registry may be otherwise the next time."""
    if _FINAL.search(message):
        return False
    status = _STATUS.search(message)
    if status:
        return status[2] == "429" or (status[2].startswith("5") and status[2] not in {"501", "507"})
    return _LOST.search(message) is not None


def explained(refused: EngineFailure, tried: int) -> EngineFailure:
    """Return what the engine said, with what can be done about it in front."""
    status = _STATUS.search(refused.message)
    advice = _ADVICE.get(status[2], "") if status else ""
    if not advice and re.search("authorization failed|no basic auth", refused.message):
        advice = _ADVICE["401"]
    if not advice and re.search("no space left|quota", refused.message, re.IGNORECASE):
        advice = _ADVICE["507"]
    times = f" (tried {tried} times)" if tried > 1 else ""
    message = f"{advice}{times}. The engine says: {refused.message}" if advice else f"{refused.message}{times}"
    return EngineFailure(message=message, exit_code=refused.exit_code, output=refused.output)


async def base_digest(reference: str) -> str | None:
    """Return the digest that a build would get now for a foreign base; None where the engine cannot find it.

    The engine uses its mirrors and logins. It reads a manifest and a configuration, and no layers.
    """
    try:
        found = await dag.container().from_(reference).image_ref()
    except dagger.QueryError:
        return None
    except dagger.DaggerError as error:
        raise ExternalError(
            f"The engine was lost while it looked for {reference}. Run the same command again."
        ) from error
    return found.rpartition("@")[2]
