import json

import httpx
import pytest

from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.adapters.oci.errors import response_error
from ci.adapters.oci.http import Request, Response
from ci.adapters.oci.retry import TransientError
from ci.oci.reference import Reference
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

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
ANONYMOUS = Endpoint(host="a.io")
BOB = Endpoint(host="a.io", credentials=Credentials(username="bob", password="tell-nobody"))  # noqa: S106
READ = Request(method="GET", url="/v2/s/b/manifests/t", resource=Reference.parse("a.io/s/b:t"), expected=frozenset())
WRITE = Request(
    method="PUT",
    url="/v2/s/b/manifests/t",
    resource=Reference.parse("a.io/s/b:t"),
    expected=frozenset(),
    writes=True,
)


def reply(status: int, code: str = "", message: str = "", *, body: bytes | None = None, **headers: str) -> Response:
    content = json.dumps({"errors": [{"code": code, "message": message}]}).encode() if body is None else body
    spelled = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, httpx.Headers(spelled), content, httpx.URL("https://a.io:444/v2/secret-path"))


def page(status: int) -> Response:
    return reply(status, body=b"<html>", content_type="text/html; charset=utf-8")


FULL = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Enclosed":{"Op":"write","Err":28}}}]}'
FULLER = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"write /data: no space left on device"}]}'


@pytest.mark.parametrize(
    ("sent", "endpoint", "given", "kind", "sentence"),
    [
        pytest.param(
            READ, ANONYMOUS, reply(401, "UNAUTHORIZED", "authentication required"), LoginError,
            r"a.io requires a login for reading a.io/s/b:t \(401 Unauthorized, UNAUTHORIZED: authentication required\)"
            ": pass --registry-username and --registry-password",
            id="no login",
        ),
        pytest.param(
            WRITE, BOB, reply(401), LoginError,
            r"does not accept the login of 'bob' for writing a.io/s/b:t \(401 Unauthorized\)"
            ": check --registry-username",
            id="wrong login",
        ),
        pytest.param(
            WRITE, BOB, reply(403, "DENIED", "requested access is denied"), AccessError,
            r"a.io does not allow bob to write a.io/s/b:t \(403 Forbidden, DENIED: requested access is denied\)"
            ": give the account this",
            id="no right",
        ),
        pytest.param(READ, ANONYMOUS, reply(403), AccessError, "not allow anonymous users to read", id="no login, 403"),
        pytest.param(
            WRITE, BOB, reply(404, "NAME_UNKNOWN", "repository name not known"), NoRepositoryError,
            r"a.io has no repository a.io/s/b, needed for writing a.io/s/b:t \(404 .*NAME_UNKNOWN.*\): create it",
            id="no repository",
        ),
        pytest.param(WRITE, BOB, reply(405, "UNSUPPORTED"), UnsupportedError, "does not support writing", id="405"),
        pytest.param(
            WRITE, BOB, reply(507), NoSpaceError,
            r"a.io has no space left for writing a.io/s/b:t \(507 .*\): free space or raise the quota",
            id="disk full",
        ),
        pytest.param(
            WRITE, BOB, page(413), NoSpaceError, r"a.io \(or a proxy\) rejected a.io/s/b:t as too large", id="page, 413"
        ),
        pytest.param(WRITE, BOB, reply(403, "DENIED", "Quota exceeded"), NoSpaceError, "no space .*Quota", id="quota"),
        pytest.param(WRITE, BOB, reply(412, "X", "the storage quota is full"), NoSpaceError, "no space left", id="412"),
        pytest.param(WRITE, BOB, reply(500, body=FULL), NoSpaceError, "no space left", id="disk full from the start"),
        pytest.param(WRITE, BOB, reply(500, body=FULLER), NoSpaceError, "no space left", id="disk full midway"),
        pytest.param(
            WRITE, BOB, reply(400, "MANIFEST_INVALID", "manifest invalid"), RefusedError,
            r"a.io rejected the request to write a.io/s/b:t \(400 Bad Request, MANIFEST_INVALID: manifest invalid\)",
            id="rejected",
        ),
        pytest.param(READ, BOB, reply(418, body=b""), RefusedError, r"\(418 I'm a Teapot\)", id="other rejection"),
        pytest.param(READ, BOB, reply(499, body=b""), RefusedError, r"\(499\)", id="unknown status"),
        pytest.param(
            READ, BOB, reply(400, body=b"Client sent an HTTP request to an HTTPS server.\n"), UnreachableError,
            "https://a.io:444 speaks TLS, not plain HTTP: give the CA",
            id="plain HTTP to TLS",
        ),
        pytest.param(
            READ, BOB, page(404), ProtocolError,
            r"https://a.io:444: unexpected response while reading a.io/s/b:t \(404 Not Found, "
            r"text/html\)\. Is this a registry\?",
            id="web page not found",
        ),
        pytest.param(READ, BOB, reply(200, body=b"", content_type=""), ProtocolError, "no content type", id="success"),
        pytest.param(READ, BOB, reply(302, body=b""), ProtocolError, "302 Found", id="redirect"),
    ],
)  # fmt: skip
def test_each_rejection_is_a_sentence_and_not_retried(
    sent: Request, endpoint: Endpoint, given: Response, kind: type[RegistryError], sentence: str
) -> None:
    error = response_error(given, sent, endpoint, NOW)
    assert type(error) is kind
    with pytest.raises(kind, match=sentence):
        raise error
    assert "secret-path" not in str(error)


@pytest.mark.parametrize(
    ("given", "kind", "sentence", "wait"),
    [
        pytest.param(reply(500), ServerFaultError, r"failed while writing .*\(500 Int", None, id="500"),
        pytest.param(
            page(503), ServerFaultError, r"\(503 Serv", None, id="page of a proxy"
        ),
        pytest.param(reply(503, retry_after="9"), ServerFaultError, r"\(503 Service Unavailable\)", 9, id="503"),
        pytest.param(reply(408), ServerFaultError, "timed out while writing a.io/s/b:t", None, id="408"),
        pytest.param(reply(404, "BLOB_UPLOAD_UNKNOWN"), ServerFaultError, "lost the upload", None, id="upload"),
        pytest.param(
            reply(429, "TOOMANYREQUESTS", "pull rate limit"), RateLimitError,
            r"a.io: rate limit of bob reached while writing a.io/s/b:t \(429 .*limit\): wait, or .* higher limit\.$",
            None, id="429",
        ),
        pytest.param(
            reply(429, retry_after="3600"), RateLimitError, r"at 2027-01-15 09:00:00 UTC\.$", 3600, id="429, until"
        ),
        pytest.param(
            reply(429, "DENIED", "quota of requests", retry_after="Fri, 15 Jan 2027 08:00:05 GMT"), RateLimitError,
            "again at 2027-01-15 08:00:05 UTC", 5, id="429, until a date",
        ),
    ],
)  # fmt: skip
def test_what_may_pass_is_retried(
    given: Response, kind: type[RegistryError], sentence: str, wait: float | None
) -> None:
    error = response_error(given, WRITE, BOB, NOW)
    assert isinstance(error, TransientError)
    assert (type(error.error), error.wait) == (kind, wait)
    with pytest.raises(kind, match=sentence):
        raise error.error


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "(400 Bad Request)", id="nothing"),
        pytest.param(b"no JSON", "(400 Bad Request)", id="no JSON"),
        pytest.param(b"\xff", "(400 Bad Request)", id="no text"),
        pytest.param(b'{"errors": null}', "(400 Bad Request)", id="no errors"),
        pytest.param(b'{"errors": [{"code": "A"}]}', "(400 Bad Request, A)", id="code alone"),
        pytest.param(b'{"errors": [{"message": "b"}]}', "(400 Bad Request, b)", id="message alone"),
        pytest.param(b'{"errors": [{"code": "A", "message": null}]}', "(400 Bad Request, A)", id="no message"),
        pytest.param(
            b'{"errors": [{"code": "A", "message": "b"}, {"code": "C"}]}', "(400 Bad Request, A: b; C)", id="two"
        ),
        pytest.param(
            b'{"errors": [{"message": "a\\n\\u001b[31m::error::{host}\\u202e"}]}',
            "(400 Bad Request, a [31m::error::{host})",
            id="control characters",
        ),
        pytest.param(
            b'{"errors": [{"message": "%s"}]}' % (b"x" * 999), f"(400 Bad Request, {'x' * 300})", id="without end"
        ),
    ],
)
def test_the_registry_s_explanation_is_quoted_on_one_line(body: bytes, words: str) -> None:
    assert str(response_error(reply(400, body=body), READ, BOB, NOW)) == (
        f"a.io rejected the request to read a.io/s/b:t {words}."
    )
