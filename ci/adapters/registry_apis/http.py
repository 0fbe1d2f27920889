"""HTTP with JSON, to the own interfaces of registries: retries, and errors as sentences."""

from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import httpx
import msgspec

from ci.clock import Clock, backoff
from ci.oci.registry import (
    AccessError,
    LoginError,
    ProtocolError,
    RateLimitError,
    RefusedError,
    RegistryError,
    ServerFaultError,
    UnreachableError,
)

DocumentType = TypeVar("DocumentType")

_TIMEOUT = httpx.Timeout(connect=10, read=30, write=30, pool=None)
_TRIES = 5
_FIRST_DELAY = 1.0
# Seconds. A longer wait is for whoever runs this again.
_LONGEST_WAIT = 60.0
_MOST_BYTES = 8 << 20
_MAX_QUOTE = 300
_NOT_FOUND, _TOO_MANY = 404, 429


class _Problem(msgspec.Struct):
    message: str = ""
    detail: str = ""


class Reply(NamedTuple):
    """A successful response, or one with the status 404."""

    status: int
    content: bytes
    is_found: bool

    def decode(self, kind: type[DocumentType], action: str) -> DocumentType:
        """Return the JSON. Raises ProtocolError for any other content."""
        try:
            return msgspec.json.decode(self.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ProtocolError(f"The response while {action} cannot be read: {error}.") from error


class ApiClient:
    """A client of one address, https://api.github.com, to be opened. `help_on_access` ends the sentence on a 403."""

    def __init__(self, address: str, *, help_on_access: str, clock: Clock | None = None) -> None:
        self._address = address
        self._help = help_on_access
        self._clock = clock or Clock()
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, headers={"User-Agent": "datahub"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        action: str,
        headers: Mapping[str, str],
        content: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request; 404 is a reply. `action` is what it does, for "rate limit reached while …".

        Raises a RegistryError for anything else, after retries where these may help.
        """
        tried = 0
        while True:
            tried += 1
            try:
                response = await self._client.request(method, f"{self._address}{path}", headers=headers, json=content)
            except httpx.RequestError as error:
                failure: RegistryError = UnreachableError(f"{self._address} cannot be reached while {action}: {error}.")
                wait: float | None = None
            else:
                if response.is_success or response.status_code == _NOT_FOUND:
                    return Reply(response.status_code, response.content[:_MOST_BYTES], response.is_success)
                failure, wait = self._failure(response, action)
            delay = backoff(tried, _FIRST_DELAY, self._clock.chance()) if wait is None else wait
            if not isinstance(failure, _TRANSIENT) or tried == _TRIES or delay > _LONGEST_WAIT:
                raise failure
            await self._clock.sleep(delay)

    def _failure(self, response: httpx.Response, action: str) -> tuple[RegistryError, float | None]:
        """Return the error that a response means, and the seconds to wait if it says so."""
        status = f"{response.status_code} {response.reason_phrase}{_explanation(response)}"
        wait = _number(response.headers.get("retry-after"))
        if response.headers.get("x-ratelimit-remaining") == "0" and wait is None:
            reset = _number(response.headers.get("x-ratelimit-reset"))
            wait = max(reset - self._clock.now(), 0.0) if reset else None
        is_limit = wait is not None and response.status_code == httpx.codes.FORBIDDEN
        if response.status_code == _TOO_MANY or is_limit:
            return RateLimitError(
                f"{self._address}: rate limit reached while {action} ({status}): run again in an hour. What was "
                "deleted stays deleted."
            ), wait
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return LoginError(f"{self._address} does not accept the login for {action} ({status})."), None
        if response.status_code == httpx.codes.FORBIDDEN:
            return AccessError(f"{self._address} does not allow {action} ({status}): {self._help}"), None
        if response.is_server_error:
            return ServerFaultError(f"{self._address} failed while {action} ({status}): run again later."), wait
        return RefusedError(f"{self._address} refused {action} ({status})."), None


_TRANSIENT = (UnreachableError, RateLimitError, ServerFaultError)


def _explanation(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    text = " ".join((problem.message or problem.detail).split())
    return f", {text[:_MAX_QUOTE]}" if text else ""


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
