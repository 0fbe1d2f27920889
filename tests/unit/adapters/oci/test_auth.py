import httpx
import pytest

from ci.adapters.oci.auth import Authorization
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.adapters.oci.http import Request, Response
from ci.oci.reference import Reference
from ci.oci.registry import ProtocolError
from tests.clocks import QuickClock

pytestmark = pytest.mark.anyio

BOB = Credentials(username="bob", password="tell-nobody")  # noqa: S106
READ = Request(method="GET", url="/v2/s/b/manifests/t", resource=Reference.parse("a.io/s/b:t"), expected=frozenset())


class TokenServer:
    """Gives the same token to everybody; `requests` are the addresses and headers of its requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    async def __call__(self, request: Request, url: httpx.URL, authorization: str) -> Response:
        assert request.method == "GET"
        self.requests.append((str(url), authorization))
        return Response(200, httpx.Headers(), b'{"token": "tell-nobody-either"}', url)


def challenge(realm: str) -> Response:
    headers = httpx.Headers({"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
    return Response(401, headers, b"", httpx.URL("https://a.io/"))


async def test_a_token_is_fetched_from_where_the_registry_says() -> None:
    server = TokenServer()
    authorization = Authorization(Endpoint(host="a.io", credentials=BOB), server, QuickClock())
    assert await authorization.renew(READ, challenge("https://b.io/t?a=b"), "") == "Bearer tell-nobody-either"
    ((url, basic),) = server.requests
    assert url == "https://b.io/t?a=b&service=s&scope=repository%3As%2Fb%3Apull"
    assert basic.startswith("Basic ")
    assert "tell-nobody" not in repr(authorization) + repr(authorization._tokens)


async def test_a_registry_with_tls_cannot_have_the_password_sent_without_tls() -> None:
    server = TokenServer()
    authorization = Authorization(Endpoint(host="a.io", credentials=BOB), server, QuickClock())
    with pytest.raises(ProtocolError, match=r"a.io requires a token from 'http://b.io/t.*' for reading a.io/s/b:t"):
        await authorization.renew(READ, challenge("http://b.io/t"), "")
    assert server.requests == []
