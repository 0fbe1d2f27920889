import socket
import ssl

import httpx
import pytest

from ci.adapters.oci.errors import network_error
from ci.adapters.oci.http import Request
from ci.adapters.oci.retry import TransientError
from ci.oci.reference import Reference
from ci.oci.registry import ProtocolError, RegistryError, UnreachableError

READ = Request(method="GET", url="/v2/s/b/manifests/t", about=Reference.parse("a.io/s/b:t"), expects=frozenset())


def caused(error: httpx.RequestError, cause: BaseException | None = None) -> httpx.RequestError:
    error.request = httpx.Request("GET", "https://a.io:444/secret-path?signature=secret")
    error.__cause__ = cause
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"
NO_TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
NO_TLS.reason = "WRONG_VERSION_NUMBER"


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), UNTRUSTED), UnreachableError,
            r"The certificate of https://a.io:444 is not trusted \(self-signed certificate\), .* read a.io/s/b:t: give",
            id="not trusted",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), NO_TLS), UnreachableError,
            r"TLS with https://a.io:444 failed .*\(WRONG_VERSION_NUMBER\): if it speaks plain HTTP, say that",
            id="no TLS",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
            UnreachableError,
            r"There is no host https://a.io:444 to ask to read a.io/s/b:t \(Name or service not known\): correct",
            id="no such host",
        ),
        pytest.param(caused(httpx.TooManyRedirects("a")), ProtocolError, r"leads nowhere \(a\)", id="redirects"),
        pytest.param(caused(httpx.UnsupportedProtocol("a")), ProtocolError, r"leads nowhere \(a\)", id="protocol"),
        pytest.param(caused(httpx.DecodingError("a")), ProtocolError, r"leads nowhere \(a\)", id="encoding"),
    ],
)  # fmt: skip
def test_what_will_not_pass_is_not_asked_again(
    error: httpx.RequestError, kind: type[RegistryError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        raise network_error(error, READ)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "Connection refused")),
            r"https://a.io:444 cannot be reached to read a.io/s/b:t \(.*Connection refused\): is it running",
            id="refused",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")),
            r"cannot be reached .*Temporary failure in name resolution",
            id="no name server",
        ),
        pytest.param(
            caused(httpx.ProxyError("407 Proxy Authentication Required")),
            "cannot be reached .*407 Proxy Authentication Required",
            id="proxy",
        ),
        pytest.param(caused(httpx.ReadTimeout("")), "did not answer in time when asked to read", id="silence"),
        pytest.param(caused(httpx.ConnectTimeout("")), "did not answer in time", id="silence from the start"),
        pytest.param(
            caused(httpx.ReadError(""), ConnectionResetError(104, "x")), "broke the connection off", id="reset"
        ),
        pytest.param(caused(httpx.WriteError(""), BrokenPipeError(32, "x")), "broke the connection off", id="pipe"),
        pytest.param(caused(httpx.RemoteProtocolError("x")), "broke the connection off", id="half an answer"),
        pytest.param(caused(httpx.ReadError(""), ssl.SSLError(1, "x")), "broke the connection off", id="TLS breaks"),
    ],
)
def test_what_may_pass_in_the_network_is_asked_again(error: httpx.RequestError, sentence: str) -> None:
    failure = network_error(error, READ)
    assert isinstance(failure, TransientError)
    with pytest.raises(UnreachableError, match=sentence):
        raise failure.error
    assert "secret" not in str(failure)
