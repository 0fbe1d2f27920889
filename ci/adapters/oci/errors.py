"""What a registry's error responses mean: an error class, and a sentence that says what to do."""

import errno
import http
import os
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

_BY_STATUS: dict[int, Meaning] = {
    404: (
        NoRepositoryError,
        "{host} has no repository {repository}, needed for {action} ({status_text}): create it, or correct the name.",
    ),
    405: (UnsupportedError, "{host} does not support {action} ({status_text}): use another registry."),
    408: (ServerFaultError, "{host} timed out while {action} ({status_text}): run again."),
    413: (NoSpaceError, "{host} (or a proxy) rejected {resource} as too large ({status_text})."),
    429: (
        RateLimitError,
        (
            "{host}: rate limit of {user} reached while {action} ({status_text}): wait, or log in with an account that "
            "has a higher limit.{again}"
        ),
    ),
    507: (
        NoSpaceError,
        "{host} has no space left for {action} ({status_text}): free space or raise the quota there, then run again.",
    ),
}
_LOST_UPLOAD: Meaning = (ServerFaultError, "{host} lost the upload while {action} ({status_text}): run again.")
_SPEAKS_TLS: Meaning = (UnreachableError, "{address} speaks TLS, not plain HTTP: give the CA of its certificate.")
_SERVER_ERROR: Meaning = (ServerFaultError, "{host} failed while {action} ({status_text}): run again later.")
_REJECTED: Meaning = (RefusedError, "{host} rejected the request to {verb} {resource} ({status_text}).")
# Bodies that mean more than their status. 28 is ENOSPC: Docker's registry reports a full disk as an unknown error.
_BY_CONTENT: tuple[tuple[re.Pattern[bytes], frozenset[int], Meaning], ...] = (
    (
        re.compile(rb'quota|no space left|disk full|insufficient storage|"Err":28\b', re.IGNORECASE),
        frozenset({400, 403, 412, 500}),
        _BY_STATUS[507],
    ),
    (re.compile(b"BLOB_UPLOAD_UNKNOWN"), frozenset({404}), _LOST_UPLOAD),
    (re.compile(b"HTTP request to an HTTPS server"), frozenset({400}), _SPEAKS_TLS),
)
_LOGIN = "--registry-username and --registry-password"
_MAX_QUOTE = 300


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Errors(msgspec.Struct):
    errors: tuple[_Error, ...]


def response_error(
    response: Response, request: Request, endpoint: Endpoint, now: float
) -> RegistryError | TransientError:
    """Return the error that a response means, as a TransientError where a retry may succeed."""
    by_content = [
        meaning
        for pattern, statuses, meaning in _BY_CONTENT
        if response.status in statuses and pattern.search(response.content)
    ]
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        return login_error(response, request, endpoint)
    if response.status == http.HTTPStatus.FORBIDDEN and not by_content:
        return access_error(response, request, endpoint)
    meaning = by_content[0] if by_content else _by_status(response)
    if meaning is None:
        return unexpected_response(response, request)
    kind, sentence = meaning
    wait = read_retry_after(response.header("retry-after"), now)
    again = (
        "" if wait is None else f" It accepts requests again at {datetime.fromtimestamp(now + wait, UTC):%F %T} UTC."
    )
    error = kind(
        sentence.format(
            host=endpoint.host,
            address=origin(response.url),
            repository=request.repository,
            resource=request.resource,
            user=_user(endpoint),
            verb=request.verb,
            action=request.action,
            status_text=status_text(response),
            again=again,
        )
    )
    return TransientError(error, wait) if isinstance(error, RateLimitError | ServerFaultError) else error


def unexpected_response(response: Response, request: Request) -> ProtocolError:
    """Return the error for a response that no registry would send."""
    return ProtocolError(
        f"{origin(response.url)}: unexpected response while {request.action} ({status_text(response)}, "
        f"{response.media_type or 'no content type'}). Is this a registry?"
    )


def login_error(response: Response, request: Request, endpoint: Endpoint) -> LoginError:
    """Return the error for a login that is missing or wrong."""
    if endpoint.credentials is None:
        return LoginError(
            f"{endpoint.host} requires a login for {request.action} ({status_text(response)}): pass {_LOGIN}. "
            "The same happens when the repository does not exist."
        )
    return LoginError(
        f"{endpoint.host} does not accept the login of {endpoint.username!r} for {request.action} "
        f"({status_text(response)}): check {_LOGIN}. A token may have expired."
    )


def access_error(response: Response, request: Request, endpoint: Endpoint) -> AccessError:
    """Return the error for a login without the permission."""
    return AccessError(
        f"{endpoint.host} does not allow {_user(endpoint)} to {request.verb} {request.resource} "
        f"({status_text(response)}): give the account this permission, or create the repository if it is missing."
    )


def _user(endpoint: Endpoint) -> str:
    return endpoint.username or "anonymous users"


def status_text(response: Response) -> str:
    """Return the status and the registry's own explanation of it, on one line."""
    try:
        errors = msgspec.json.decode(response.content, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeDecodeError):
        errors = ()
    quoted = "; ".join(": ".join(part for part in (error.code, error.message) if part) for error in errors)
    line = " ".join("".join(char if char.isprintable() else " " for char in quoted).split())[:_MAX_QUOTE]
    known = response.status in {status.value for status in http.HTTPStatus}
    status = f"{response.status} {http.HTTPStatus(response.status).phrase}" if known else f"{response.status}"
    return ", ".join(part for part in (status, line) if part)


def _by_status(response: Response) -> Meaning | None:
    is_page = response.media_type == "text/html"
    if response.status in _BY_STATUS and not (response.status == http.HTTPStatus.NOT_FOUND and is_page):
        return _BY_STATUS[response.status]
    if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return _SERVER_ERROR
    return _REJECTED if response.status >= http.HTTPStatus.BAD_REQUEST and not is_page else None


def network_error(error: httpx.RequestError, request: Request) -> RegistryError | TransientError:
    """Return the error, as a TransientError where a retry may succeed."""
    address, action = origin(error.request.url), request.action
    causes = _first_causes(error)
    cause = causes[0]
    match error, cause:
        case _, ssl.SSLCertVerificationError():
            return UnreachableError(
                f"The certificate of {address} is not trusted ({cause.verify_message}), so {action} failed: "
                "give the CA that signed it, or correct the address."
            )
        case httpx.ConnectError(), ssl.SSLError():
            return UnreachableError(
                f"TLS with {address} failed while {action} ({cause.reason}): if the registry speaks plain HTTP, it "
                "must be marked as insecure."
            )
        case _, socket.gaierror() if cause.errno != socket.EAI_AGAIN:
            return UnreachableError(
                f"The host of {address} was not found while {action} ({cause.strerror}): correct its name."
            )
        case httpx.ConnectError() | httpx.ProxyError(), _:
            reasons = "; ".join(dict.fromkeys(_reason(one) for one in causes))
            text = f"{address} cannot be reached for {action} ({reasons}): is it running, and is the network up?"
        case httpx.TimeoutException(), _:
            text = f"{address} timed out while {action}: check that it works, then run again."
        case httpx.NetworkError() | httpx.RemoteProtocolError(), _:
            text = f"{address} closed the connection while {action}: run again."
        case _:
            return ProtocolError(f"{address}: unusable response while {action} ({error}). Is this a registry?")
    return TransientError(UnreachableError(text))


def _first_causes(error: BaseException) -> tuple[BaseException, ...]:
    """Return what an error began with: several errors, where a host has several addresses and each failed."""
    if isinstance(error, BaseExceptionGroup):
        return tuple(cause for one in error.exceptions for cause in _first_causes(one))
    inner = error.__cause__ or error.__context__
    return (error,) if inner is None else _first_causes(inner)


def _reason(cause: BaseException) -> str:
    """Return an error of the system in its words, without the address, and any other error's own text."""
    # The numbers of TLS errors and of errors of name servers are not those of the system.
    number = cause.errno if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) else None
    return os.strerror(number) if number is not None and number in errno.errorcode else str(cause)
