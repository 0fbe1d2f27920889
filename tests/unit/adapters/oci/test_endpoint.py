import pytest
import trustme

from ci.adapters.oci.endpoint import Credentials, Endpoint, is_loopback
from ci.errors import RequestError

CA = trustme.CA().cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        pytest.param(Endpoint(host="docker.io"), "https://registry-1.docker.io", id="Docker Hub answers elsewhere"),
        pytest.param(Endpoint(host="ghcr.io"), "https://ghcr.io", id="TLS"),
        pytest.param(Endpoint(host="ghcr.io:8443"), "https://ghcr.io:8443", id="port"),
        pytest.param(Endpoint(host="registry.test", insecure=True), "http://registry.test", id="plain when insecure"),
        pytest.param(Endpoint(host="localhost:5000"), "http://localhost:5000", id="plain on localhost"),
        pytest.param(Endpoint(host="127.0.0.1:5000"), "http://127.0.0.1:5000", id="plain on loopback"),
        pytest.param(Endpoint(host="127.8.8.8"), "http://127.8.8.8", id="plain on all of loopback"),
        pytest.param(Endpoint(host="[::1]:5000"), "http://[::1]:5000", id="plain on loopback, version 6"),
        pytest.param(Endpoint(host="10.0.0.1:5000"), "https://10.0.0.1:5000", id="TLS on addresses"),
        pytest.param(Endpoint(host="localhost.test"), "https://localhost.test", id="TLS on what begins so"),
        pytest.param(Endpoint(host="localhost:5000", ca=CA), "https://localhost:5000", id="TLS where a CA is given"),
        pytest.param(
            Endpoint(host="a.test", address="http://10.1.2.3:5000"), "http://10.1.2.3:5000", id="another address"
        ),
        pytest.param(
            Endpoint(host="a.test", address="https://b.test/"), "https://b.test/", id="another address, slash"
        ),
    ],
)
def test_each_registry_has_an_address(endpoint: Endpoint, url: str) -> None:
    assert str(endpoint.url) == url


@pytest.mark.parametrize(
    "address",
    [
        "tcp://a:5000",
        "a:5000",
        "http://",
        "http://user:word@a",
        "http://a/path",
        "http://a:port",
        "ftp://a",
        "http://a?b",
    ],
)
def test_an_invalid_address_is_an_error(address: str) -> None:
    with pytest.raises(RequestError, match=r"Invalid address '.*' for registry a\.test: "):
        Endpoint(host="a.test", address=address)


@pytest.mark.parametrize(
    "ca", ["no certificate", "ä", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_an_invalid_certificate_is_an_error(ca: str) -> None:
    with pytest.raises(RequestError, match=r"to trust for a\.test are not in PEM form"):
        Endpoint(host="a.test", ca=ca).trust()


def test_an_extra_certificate_is_trusted_beside_the_system_s() -> None:
    usual = Endpoint(host="a.test").trust().cert_store_stats()["x509_ca"]
    assert Endpoint(host="a.test", ca=CA).trust().cert_store_stats()["x509_ca"] == usual + 1


def test_a_password_is_not_shown() -> None:
    credentials = Credentials(username="bob", password="tell-nobody")  # noqa: S106
    shown = f"{credentials} {credentials!r} {Endpoint(host='a.test', credentials=credentials)!r}"
    assert "bob" in shown
    assert "tell-nobody" not in shown


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("[::1]", True), ("10.0.0.1:1", False), ("a.b", False)]
)
def test_loopback_is_this_machine(host: str, expected: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert is_loopback(host) is expected
