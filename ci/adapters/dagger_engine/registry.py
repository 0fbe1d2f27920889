"""How the engine itself reaches the registry: its login, the service it goes through, and retries of its pushes."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import anyio
import dagger
from dagger import dag

from ci.adapters.dagger_engine.errors import engine_result
from ci.adapters.dagger_engine.images import push
from ci.build.engine_failure import EngineFailure
from ci.clock import Clock, backoff
from ci.errors import EngineLostError
from ci.stack.image import Compression

T = TypeVar("T")

_TRIES = 4
# Seconds. Between attempts: 2, 4, 8, each shortened at random by up to half. The engine does not pass on a registry's
# Retry-After, but layers that were pushed are not pushed again.
_FIRST_DELAY = 2.0
# Seconds: for a manifest and a configuration, and for all layers of an image. The engine has no timeout of its own: it
# was seen to hang on a registry behind a service whose connection had been cut.
_MANIFEST_TIMEOUT = 60.0
_LAYERS_TIMEOUT = 3600.0
_STATUS = re.compile(r"unexpected status from \w+ request to (\S+?): (\d{3})")
_FINAL = re.compile(
    r"authorization failed|access denied|insufficient_scope|no space left|quota|certificate|HTTP response to HTTPS",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"connection (?:reset|refused)|broken pipe|\bEOF\b|i/o timeout|use of closed|no such host|TLS handshake timeout"
    r"|server closed|deadline exceeded",
    re.IGNORECASE,
)
# What a status means, and what to do about it.
_ADVICE = {
    "400": "the registry rejected the content as invalid",
    "401": "the registry does not accept the login: check --registry-username and --registry-password",
    "403": "the account may not write to this repository: give it the permission, or create the repository",
    "404": "the repository does not exist: create it, or correct the name",
    "413": "the registry (or a proxy) rejected a layer as too large",
    "429": "the registry's rate limit is reached: wait, or log in with an account that has a higher limit",
    "507": "the registry has no space left: free space or raise the quota there",
}


class EngineRegistry(NamedTuple):
    """The registry of the stack. `host` is its name in references, `service` the way to it if it needs a tunnel."""

    host: str
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None
    compression: Compression = Compression.GZIP
    timeout: float = _LAYERS_TIMEOUT
    clock: Clock = Clock()

    async def login(self) -> None:
        """Make the engine use the login for the rest of this session, in a Dockerfile's FROM lines too."""
        if self.password is not None:
            await dag.container().with_registry_auth(self.host, self.username, self.password).sync()

    async def fetch(self, reference: str) -> EngineFailure | None:
        """Make a published image, given by digest, available to FROM lines.

        A FROM line cannot be given a service, but the engine looks among its own images before it asks a registry.
        """
        image = dag.container().from_(reference, registry_service=self.service)
        found: object = await retry_transient(
            lambda: with_timeout(_MANIFEST_TIMEOUT, image.image_ref(), "fetching"), self.clock
        )
        if self.service is not None and not isinstance(found, EngineFailure):
            found = await retry_transient(lambda: with_timeout(self.timeout, image.sync(), "fetching"), self.clock)
        return found if isinstance(found, EngineFailure) else None

    async def push(self, image: dagger.Container, target: str) -> str | EngineFailure:
        """Push an image to a tag; return the digest of its manifest."""
        return await retry_transient(
            lambda: with_timeout(self.timeout, push(image, target, self.compression, self.service), "uploading"),
            self.clock,
        )


class AbandonedCall(EngineFailure, frozen=True, kw_only=True):
    """A call that was given up, which the engine may still be carrying out: a second one would run beside it."""


async def with_timeout(seconds: float, call: Awaitable[T], doing: str) -> T | EngineFailure:
    """Return the result of an engine call, or an AbandonedCall. `doing` says what the engine does: "uploading"."""
    with anyio.move_on_after(seconds):
        return await engine_result(call)
    return AbandonedCall(
        message=f"there was no response within {seconds:.0f} s. The engine may still be {doing}, and running the same "
        "command again is safe: layers that have arrived are not sent again"
    )


async def retry_transient(attempt: Callable[[], Awaitable[T | EngineFailure]], clock: Clock) -> T | EngineFailure:
    """Return the result of `attempt`, repeated a few times while it fails in a way that may pass.

    An AbandonedCall is final.
    """
    tried = 1
    while True:
        result = await attempt()
        if not isinstance(result, EngineFailure):
            return result
        if tried == _TRIES or isinstance(result, AbandonedCall) or not is_transient(result.message):
            return with_advice(result, tried)
        await clock.sleep(backoff(tried, _FIRST_DELAY, clock.chance()))
        tried += 1


def is_transient(message: str) -> bool:
    """Return whether what the engine reports of a registry may pass by itself."""
    if _FINAL.search(message):
        return False
    status = _STATUS.search(message)
    if status:
        return status[2] == "429" or (status[2].startswith("5") and status[2] not in {"501", "507"})
    return _NETWORK.search(message) is not None


def with_advice(failure: EngineFailure, tried: int) -> EngineFailure:
    """Return a failure whose message begins with what it means and what to do about it."""
    status = _STATUS.search(failure.message)
    advice = _ADVICE.get(status[2], "") if status else ""
    if not advice and re.search("authorization failed|no basic auth", failure.message):
        advice = _ADVICE["401"]
    if not advice and re.search("no space left|quota", failure.message, re.IGNORECASE):
        advice = _ADVICE["507"]
    times = f" (tried {tried} times)" if tried > 1 else ""
    message = f"{advice}{times}. The engine reports: {failure.message}" if advice else f"{failure.message}{times}"
    return EngineFailure(message=message, exit_code=failure.exit_code, output=failure.output)


async def base_digest(reference: str) -> str | None:
    """Return the digest that a build would get now for a foreign base; None where the engine cannot find it.

    The engine uses its mirrors and logins. It reads a manifest and a configuration, and no layers.
    """
    try:
        found = await dag.container().from_(reference).image_ref()
    except dagger.QueryError:
        return None
    except dagger.DaggerError as error:
        raise EngineLostError(
            f"The connection to the Dagger engine was lost while it looked up {reference}. Run the same command again."
        ) from error
    return found.rpartition("@")[2]
