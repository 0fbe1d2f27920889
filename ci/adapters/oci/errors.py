"""What a registry's refusals mean, in sentences for the person who can do something about them."""

import http
import re
import socket
import ssl
from datetime import UTC, datetime

import httpx
import msgspec

from ci.adapters.oci.endpoint import Endpoint
from ci.adapters.oci.http import Request, Response, origin
from ci.adapters.oci.retry import TransientError, read_retry_after
from ci.oci.registry import (
    AccessError,
    LoginError,
    NoRepositoryError,
    NoSpaceError,
    ProtocolError,
    RateLimitError,
    RefusedError,
    RegistryError,
    ServerFaultError,
    UnreachableError,
    UnsupportedError,
)

Meaning = tuple[type[RegistryError], str]

_SENTENCES: dict[int, Meaning] = {
    404: (
        NoRepositoryError,
        "{host} has no repository {repository}, needed {doing} ({status_text}): create it there, or correct the name.",
    ),
    405: (UnsupportedError, "{host} does not offer what it takes {doing} ({status_text}): use another registry."),
    408: (ServerFaultError, "{host} lost patience when asked {doing} ({status_text}): run again."),
    413: (
        NoSpaceError,
        "{host}, or a proxy before it, does not take as much at once as it takes {doing} ({status_text}).",
    ),
    429: (
        RateLimitError,
        "{host} was asked too often {doing} as {who} ({status_text}): wait, or log in as one who may ask more.{again}",
    ),
    507: (
        NoSpaceError,
        "{host} has no room {doing} ({status_text}): free space or raise the quota there, then run again.",
    ),
}
_LOST_UPLOAD: Meaning = (ServerFaultError, "{host} forgot the upload when asked {doing} ({status_text}): run again.")
_SPEAKS_TLS: Meaning = (UnreachableError, "{address} speaks TLS, not plain HTTP: give the CA that signed for it.")
_FAILED: Meaning = (ServerFaultError, "{host} failed when asked {doing} ({status_text}): run again later.")
_REFUSED: Meaning = (RefusedError, "{host} refused {doing} ({status_text}).")
# What has a meaning beyond its status. 28 is ENOSPC: Docker's registry tells of a full disk in an unknown error.
_SAID: tuple[tuple[re.Pattern[bytes], frozenset[int], Meaning], ...] = (
    (
        re.compile(rb'quota|no space left|disk full|insufficient storage|"Err":28\b', re.IGNORECASE),
        frozenset({400, 403, 412, 500}),
        _SENTENCES[507],
    ),
    (re.compile(b"BLOB_UPLOAD_UNKNOWN"), frozenset({404}), _LOST_UPLOAD),
    (re.compile(b"HTTP request to an HTTPS server"), frozenset({400}), _SPEAKS_TLS),
)
_LOGIN = "--registry-username and --registry-password"
_MOST_WORDS = 300


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Errors(msgspec.Struct):
    errors: tuple[_Error, ...]


def response_error(answer: Response, question: Request, access: Endpoint, now: float) -> RegistryError | TransientError:
    """Return the error that an answer means, as a TransientError where the same question may be answered later."""
    said = [meaning for words, among, meaning in _SAID if answer.status in among and words.search(answer.content)]
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        return rejected(answer, question, access)
    if answer.status == http.HTTPStatus.FORBIDDEN and not said:
        return denied(answer, question, access)
    meaning = said[0] if said else _meaning(answer)
    if meaning is None:
        return unexpected_response(answer, question)
    kind, sentence = meaning
    wait = read_retry_after(answer.header("retry-after"), now)
    again = "" if wait is None else f" It takes requests again at {datetime.fromtimestamp(now + wait, UTC):%F %T} UTC."
    error = kind(
        sentence.format(
            host=access.host,
            address=origin(answer.url),
            repository=question.repository,
            who=access.username or "anybody",
            doing=question.doing,
            status_text=status_text(answer),
            again=again,
        )
    )
    return TransientError(error, wait) if isinstance(error, RateLimitError | ServerFaultError) else error


def unexpected_response(answer: Response, question: Request) -> ProtocolError:
    """Return the error for an answer that no registry would give."""
    return ProtocolError(
        f"{origin(answer.url)} answered the request {question.doing} as no registry does ({status_text(answer)}, "
        f"{answer.media_type or 'no content type'}): is this the address of a registry?"
    )


def rejected(answer: Response, question: Request, access: Endpoint) -> LoginError:
    """Return the error for a login that is missing or wrong."""
    if access.credentials is None:
        return LoginError(
            f"{access.host} wants a login {question.doing} ({status_text(answer)}), and none was given: pass {_LOGIN}. A name "
            "that does not exist may look like this, too."
        )
    return LoginError(
        f"{access.host} does not accept the login of {access.username!r} {question.doing} ({status_text(answer)}): check "
        f"{_LOGIN}; a token may have run out."
    )


def denied(answer: Response, question: Request, access: Endpoint) -> AccessError:
    """Return the error for rights that are not enough."""
    return AccessError(
        f"{access.host} does not let {access.username or 'anybody'} {question.verb} {question.about} ({status_text(answer)}): "
        "give this account the right to, or create the repository if there is none."
    )


def status_text(answer: Response) -> str:
    """Return the status and the registry's own words for it, on one line."""
    try:
        errors = msgspec.json.decode(answer.content, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeDecodeError):
        errors = ()
    words = "; ".join(": ".join(part for part in (error.code, error.message) if part) for error in errors)
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())[:_MOST_WORDS]
    known = answer.status in {status.value for status in http.HTTPStatus}
    status = f"{answer.status} {http.HTTPStatus(answer.status).phrase}" if known else f"{answer.status}"
    return ", ".join(part for part in (status, line) if part)


def _meaning(answer: Response) -> Meaning | None:
    is_page = answer.media_type == "text/html"
    if answer.status in _SENTENCES and not (answer.status == http.HTTPStatus.NOT_FOUND and is_page):
        return _SENTENCES[answer.status]
    if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return _FAILED
    return _REFUSED if answer.status >= http.HTTPStatus.BAD_REQUEST and not is_page else None


def network_error(error: httpx.RequestError, question: Request) -> RegistryError | TransientError:
    """Return the error, as a TransientError where the same question may be answered later."""
    address, doing = origin(error.request.url), question.doing
    cause = _first_cause(error)
    match error, cause:
        case _, ssl.SSLCertVerificationError():
            return UnreachableError(
                f"The certificate of {address} is not trusted ({cause.verify_message}), so it was not asked {doing}: "
                "give the CA that signed it, or correct the address."
            )
        case httpx.ConnectError(), ssl.SSLError():
            return UnreachableError(
                f"TLS with {address} failed {doing} ({cause.reason}): if it speaks plain HTTP, say that it is insecure."
            )
        case _, socket.gaierror() if cause.errno != socket.EAI_AGAIN:
            return UnreachableError(f"There is no host {address} to ask {doing} ({cause.strerror}): correct its name.")
        case httpx.ConnectError() | httpx.ProxyError(), _:
            gone = f"{address} cannot be reached {doing} ({cause}): is it running, and is the network up?"
        case httpx.TimeoutException(), _:
            gone = f"{address} did not answer in time when asked {doing}: look after it, and run again."
        case httpx.NetworkError() | httpx.RemoteProtocolError(), _:
            gone = f"{address} broke the connection off when asked {doing}: run again."
        case _:
            return ProtocolError(f"{address} answered {doing} in a way that leads nowhere ({error}): is it a registry?")
    return TransientError(UnreachableError(gone))


def _first_cause(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
