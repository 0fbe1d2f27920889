"""Who asks: a password with each question, or tokens that are fetched for it, each for one right on one repository."""

import base64
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import httpx
import msgspec

from ci.adapters.oci.endpoint import Endpoint
from ci.adapters.oci.errors import rejected, response_error, unexpected_response
from ci.adapters.oci.http import Request, Response
from ci.adapters.oci.retry import Clock
from ci.oci.registry import ProtocolError

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(
    rf'(?P<key>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))|(?P<scheme>{_WORD})(?=\s|,|$)'
)


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in; scheme and keys in small letters."""

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


# By the token servers' specification; a token is not used in its last tenth.
_DEFAULT_SECONDS = 60
_USED_PART = 0.9

Send = Callable[[Request, httpx.URL, str], Awaitable[Response]]


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    header: str
    expires: float

    def __repr__(self) -> str:
        return "_Token()"


class Authorization:
    """What to put into the Authorization header for one registry."""

    def __init__(self, access: Endpoint, send: Send, clock: Clock) -> None:
        self._access = access
        self._send = send
        self._clock = clock
        self._basic = _basic(access)
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    async def header(self, question: Request) -> str:
        """Return what to send before the registry complains: nothing until it said what it wants."""
        match self._challenge:
            case Challenge(scheme="bearer"):
                return await self._bearer(question, self._challenge, stale="")
            case Challenge(scheme="basic"):
                return self._basic
            case _:
                return ""

    async def renew(self, question: Request, answer: Response, used: str) -> str:
        """Return what to send after the registry has refused `used`. Raises LoginError when there is nothing better."""
        challenges = read_challenges(answer.headers.get_list("www-authenticate"))
        if "bearer" in challenges:
            self._challenge = challenges["bearer"]
            return await self._bearer(question, self._challenge, stale=used)
        if "basic" in challenges and self._basic and used != self._basic:
            self._challenge = challenges["basic"]
            return self._basic
        raise rejected(answer, question, self._access)

    async def _bearer(self, question: Request, challenge: Challenge, stale: str) -> str:
        async with self._locks[question.scope]:  # many ask at once; one fetches
            token = self._tokens.get(question.scope)
            if token is None or token.header == stale or self._clock.now() >= token.expires:
                token = self._tokens[question.scope] = await self._fetch(question, challenge)
            return token.header

    async def _fetch(self, question: Request, challenge: Challenge) -> _Token:
        wanted = {"service": challenge.parameters.get("service", ""), "scope": question.scope}
        try:
            url = httpx.URL(challenge.parameters.get("realm", "")).copy_merge_params(wanted)
        except httpx.InvalidURL:
            url = httpx.URL()
        if not url.host or url.scheme not in ({"https"} if self._access.url.scheme == "https" else {"http", "https"}):
            raise ProtocolError(
                f"{self._access.host} sends those who ask {question.doing} to {str(url)!r} for a token, and a password "
                "may only go to an https address: correct the registry's configuration."
            )
        asked = msgspec.structs.replace(question, method="GET", headers={}, content=b"", follows=False)
        answer = await self._send(asked, url, self._basic)
        if answer.status != httpx.codes.OK:
            raise response_error(answer, question, self._access, self._clock.now())
        try:
            read = msgspec.json.decode(answer.content, type=_TokenAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise unexpected_response(answer, question) from error
        value = read.token or read.access_token
        if not value:
            raise unexpected_response(answer, question)
        seconds = _DEFAULT_SECONDS if read.expires_in is None else read.expires_in
        return _Token(header=f"Bearer {value}", expires=self._clock.now() + seconds * _USED_PART)


def _basic(access: Endpoint) -> str:
    if access.credentials is None:
        return ""
    pair = f"{access.credentials.username}:{access.credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
