import pytest

from ci.adapters.oci.connection import Connection
from ci.adapters.oci.endpoint import Endpoint
from ci.adapters.oci.http import Request
from ci.oci.reference import Repository
from ci.oci.registry import ProtocolError
from tests.clocks import QuickClock

TLS = Endpoint(host="a.io:5000")
ELSEWHERE = Endpoint(host="a.io", address="http://10.0.0.1:5000")


def read(url: str) -> Request:
    return Request(method="GET", url=url, resource=Repository(host="a.io", path="s/b"), expected=frozenset())


@pytest.mark.parametrize(
    ("endpoint", "given", "url"),
    [
        pytest.param(TLS, "/v2/x?n=1", "https://a.io:5000/v2/x?n=1", id="path"),
        pytest.param(TLS, "https://a.io:5000/v2/x", "https://a.io:5000/v2/x", id="itself"),
        pytest.param(TLS, "http://a.io:5000/v2/x", "https://a.io:5000/v2/x", id="itself, not knowing of its TLS"),
        pytest.param(TLS, "https://a.io/v2/x", "https://a.io/v2/x", id="another port"),
        pytest.param(TLS, "https://cdn.io/x?sign=%2F", "https://cdn.io/x?sign=%2F", id="another host"),
        pytest.param(ELSEWHERE, "/v2/x", "http://10.0.0.1:5000/v2/x", id="path, at an address"),
        pytest.param(ELSEWHERE, "https://a.io/v2/x", "http://10.0.0.1:5000/v2/x", id="its name, at an address"),
        pytest.param(ELSEWHERE, "http://a.io:81/x", "http://a.io:81/x", id="another port of its name"),
        pytest.param(Endpoint(host="docker.io"), "/v2/x", "https://registry-1.docker.io/v2/x", id="Docker Hub"),
    ],
)
def test_requests_go_to_the_endpoint_of_their_registry(endpoint: Endpoint, given: str, url: str) -> None:
    assert str(Connection(endpoint, QuickClock()).locate(read(given))) == url


def test_an_invalid_address_is_an_error() -> None:
    with pytest.raises(ProtocolError, match=r"a\.io:5000 redirected to an invalid address while reading a\.io/s/b"):
        Connection(TLS, QuickClock()).locate(read("http://a:b/"))
