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
READ = Request(method="GET", url="/v2/s/b/manifests/t", about=Reference.parse("a.io/s/b:t"), expects=frozenset())
WRITE = Request(
    method="PUT",
    url="/v2/s/b/manifests/t",
    about=Reference.parse("a.io/s/b:t"),
    expects=frozenset(),
    writes=True,
)


def answer(status: int, code: str = "", message: str = "", *, body: bytes | None = None, **headers: str) -> Response:
    content = json.dumps({"errors": [{"code": code, "message": message}]}).encode() if body is None else body
    spelled = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, httpx.Headers(spelled), content, httpx.URL("https://a.io:444/v2/secret-path"))


def page(status: int) -> Response:
    return answer(status, body=b"<html>", content_type="text/html; charset=utf-8")


FULL = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Enclosed":{"Op":"write","Err":28}}}]}'
FULLER = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"write /data: no space left on device"}]}'


@pytest.mark.parametrize(
    ("question", "access", "given", "kind", "sentence"),
    [
        pytest.param(
            READ, ANONYMOUS, answer(401, "UNAUTHORIZED", "authentication required"), LoginError,
            r"a.io wants a login to read a.io/s/b:t \(401 Unauthorized, UNAUTHORIZED: authentication required\), "
            "and none was given: pass --registry-username and --registry-password",
            id="no login",
        ),
        pytest.param(
            WRITE, BOB, answer(401), LoginError,
            r"does not accept the login of 'bob' to write a.io/s/b:t \(401 Unauthorized\): check --registry-username",
            id="wrong login",
        ),
        pytest.param(
            WRITE, BOB, answer(403, "DENIED", "requested access is denied"), AccessError,
            r"a.io does not let bob write a.io/s/b:t \(403 Forbidden, DENIED: requested access is denied\): give this",
            id="no right",
        ),
        pytest.param(READ, ANONYMOUS, answer(403), AccessError, "does not let anybody read", id="no right for anybody"),
        pytest.param(
            WRITE, BOB, answer(404, "NAME_UNKNOWN", "repository name not known"), NoRepositoryError,
            r"a.io has no repository a.io/s/b, needed to write a.io/s/b:t \(404 .*NAME_UNKNOWN.*\): create it",
            id="no repository",
        ),
        pytest.param(WRITE, BOB, answer(405, "UNSUPPORTED"), UnsupportedError, "does not offer what", id="405"),
        pytest.param(
            WRITE, BOB, answer(507), NoSpaceError,
            r"a.io has no room to write a.io/s/b:t \(507 Insufficient Storage\): free space or raise the quota",
            id="disk full",
        ),
        pytest.param(WRITE, BOB, page(413), NoSpaceError, "a.io, or a proxy before it", id="page of a proxy"),
        pytest.param(WRITE, BOB, answer(403, "DENIED", "Quota exceeded"), NoSpaceError, "no room .*Quota", id="quota"),
        pytest.param(WRITE, BOB, answer(412, "X", "the storage quota is used up"), NoSpaceError, "no room", id="412"),
        pytest.param(WRITE, BOB, answer(500, body=FULL), NoSpaceError, "no room", id="disk full from the start"),
        pytest.param(WRITE, BOB, answer(500, body=FULLER), NoSpaceError, "no room", id="disk full midway"),
        pytest.param(
            WRITE, BOB, answer(400, "MANIFEST_INVALID", "manifest invalid"), RefusedError,
            r"a.io refused to write a.io/s/b:t \(400 Bad Request, MANIFEST_INVALID: manifest invalid\)",
            id="refused",
        ),
        pytest.param(READ, BOB, answer(418, body=b""), RefusedError, r"\(418 I'm a Teapot\)", id="other refusal"),
        pytest.param(READ, BOB, answer(499, body=b""), RefusedError, r"\(499\)", id="no known status"),
        pytest.param(
            READ, BOB, answer(400, body=b"Client sent an HTTP request to an HTTPS server.\n"), UnreachableError,
            "https://a.io:444 speaks TLS, not plain HTTP: give the CA",
            id="plain HTTP to TLS",
        ),
        pytest.param(
            READ, BOB, page(404), ProtocolError,
            r"https://a.io:444 answered the request to read a.io/s/b:t as no registry does \(404 Not Found, "
            r"text/html\): is this the address of a registry",
            id="web page not found",
        ),
        pytest.param(READ, BOB, answer(200, body=b"", content_type=""), ProtocolError, "no content type", id="success"),
        pytest.param(READ, BOB, answer(302, body=b""), ProtocolError, "302 Found", id="redirect"),
    ],
)  # fmt: skip
def test_each_refusal_is_a_sentence_and_not_asked_again(
    question: Request, access: Endpoint, given: Response, kind: type[RegistryError], sentence: str
) -> None:
    error = response_error(given, question, access, NOW)
    assert type(error) is kind
    with pytest.raises(kind, match=sentence):
        raise error
    assert "secret-path" not in str(error)


@pytest.mark.parametrize(
    ("given", "kind", "sentence", "wait"),
    [
        pytest.param(answer(500), ServerFaultError, r"failed when asked to write .*\(500 Int", None, id="500"),
        pytest.param(
            page(503), ServerFaultError, r"\(503 Serv", None, id="page of a proxy"
        ),
        pytest.param(answer(503, retry_after="9"), ServerFaultError, r"\(503 Service Unavailable\)", 9, id="503"),
        pytest.param(answer(408), ServerFaultError, "lost patience", None, id="408"),
        pytest.param(answer(404, "BLOB_UPLOAD_UNKNOWN"), ServerFaultError, "forgot the upload", None, id="upload"),
        pytest.param(
            answer(429, "TOOMANYREQUESTS", "pull rate limit"), RateLimitError,
            r"a.io was asked too often to write a.io/s/b:t as bob \(429 .*pull rate limit\): wait, or .* ask more\.$",
            None, id="429",
        ),
        pytest.param(
            answer(429, retry_after="3600"), RateLimitError, r"at 2027-01-15 09:00:00 UTC\.$", 3600, id="429, until"
        ),
        pytest.param(
            answer(429, "DENIED", "quota of requests", retry_after="Fri, 15 Jan 2027 08:00:05 GMT"), RateLimitError,
            "again at 2027-01-15 08:00:05 UTC", 5, id="429, until a date",
        ),
    ],
)  # fmt: skip
def test_what_may_pass_is_asked_again(
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
            id="what terminals obey",
        ),
        pytest.param(
            b'{"errors": [{"message": "%s"}]}' % (b"x" * 999), f"(400 Bad Request, {'x' * 300})", id="without end"
        ),
    ],
)
def test_the_registry_s_words_are_quoted_on_one_line(body: bytes, words: str) -> None:
    assert str(response_error(answer(400, body=body), READ, BOB, NOW)) == f"a.io refused to read a.io/s/b:t {words}."
