"""Logging in to a registry: the password with each request, or tokens fetched with it, one per repository and right."""

import base64
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import httpx
import msgspec

from ci.adapters.oci.endpoint import Endpoint
from ci.adapters.oci.errors import login_error, response_error, unexpected_response
from ci.adapters.oci.http import Request, Response
from ci.clock import Clock
from ci.oci.registry import ProtocolError

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (`token` of RFC 9110, a word of a header)
_PART = re.compile(
    rf'(?P<key>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))|(?P<scheme>{_TOKEN})(?=\s|,|$)'
)


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in; scheme and keys in lowercase."""

    scheme: str
    parameters: Mapping[str, str] = {}


def read_challenges(headers: Sequence[str]) -> Mapping[str, Challenge]:
    """Return the challenges of all WWW-Authenticate headers by scheme; the first of a scheme counts."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        for part in _PART.finditer(header):
            if part["scheme"]:
                found.append((part["scheme"].lower(), {}))
            elif found:
                value = part["bare"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
                found[-1][1].setdefault(part["key"].lower(), value)
    return {scheme: Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in reversed(found)}


# The default lifetime of the token servers' specification. A token is not used in the last tenth of its lifetime.
_DEFAULT_SECONDS = 60
_USED_PART = 0.9

Send = Callable[[Request, httpx.URL, str], Awaitable[Response]]


class _TokenResponse(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    header: str
    expires: float

    def __repr__(self) -> str:
        return "_Token()"


class Authorization:
    """Decides on the Authorization header of each request to one registry."""

    def __init__(self, endpoint: Endpoint, send: Send, clock: Clock) -> None:
        self._endpoint = endpoint
        self._send = send
        self._clock = clock
        self._basic = _basic(endpoint)
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    async def header(self, request: Request) -> str:
        """Return the header for a request: empty until the registry has sent its first challenge."""
        match self._challenge:
            case Challenge(scheme="bearer"):
                return await self._bearer(request, self._challenge, stale="")
            case Challenge(scheme="basic"):
                return self._basic
            case _:
                return ""

    async def renew(self, request: Request, response: Response, used: str) -> str:
        """Return the header to send after the registry rejected `used`. Raises LoginError if there is no other."""
        challenges = read_challenges(response.headers.get_list("www-authenticate"))
        if "bearer" in challenges:
            self._challenge = challenges["bearer"]
            return await self._bearer(request, self._challenge, stale=used)
        if "basic" in challenges and self._basic and used != self._basic:
            self._challenge = challenges["basic"]
            return self._basic
        raise login_error(response, request, self._endpoint)

    async def _bearer(self, request: Request, challenge: Challenge, stale: str) -> str:
        async with self._locks[request.scope]:  # of many requests at once, one fetches the token
            token = self._tokens.get(request.scope)
            if token is None or token.header == stale or self._clock.now() >= token.expires:
                token = self._tokens[request.scope] = await self._fetch(request, challenge)
            return token.header

    async def _fetch(self, request: Request, challenge: Challenge) -> _Token:
        parameters = {"service": challenge.parameters.get("service", ""), "scope": request.scope}
        try:
            url = httpx.URL(challenge.parameters.get("realm", "")).copy_merge_params(parameters)
        except httpx.InvalidURL:
            url = httpx.URL()
        schemes = {"https"} if self._endpoint.url.scheme == "https" else {"http", "https"}
        if not url.host or url.scheme not in schemes:
            raise ProtocolError(
                f"{self._endpoint.host} requires a token from {str(url)!r} for {request.action}, but passwords are "
                "sent to https addresses only: correct the registry's configuration."
            )
        token_request = msgspec.structs.replace(request, method="GET", headers={}, content=b"", follow_redirects=False)
        response = await self._send(token_request, url, self._basic)
        if response.status != httpx.codes.OK:
            raise response_error(response, request, self._endpoint, self._clock.now())
        try:
            read = msgspec.json.decode(response.content, type=_TokenResponse)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise unexpected_response(response, request) from error
        value = read.token or read.access_token
        if not value:
            raise unexpected_response(response, request)
        seconds = _DEFAULT_SECONDS if read.expires_in is None else read.expires_in
        return _Token(header=f"Bearer {value}", expires=self._clock.now() + seconds * _USED_PART)


def _basic(endpoint: Endpoint) -> str:
    if endpoint.credentials is None:
        return ""
    pair = f"{endpoint.credentials.username}:{endpoint.credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
