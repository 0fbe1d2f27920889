import socket
import ssl

import httpx
import pytest

from ci.adapters.oci.errors import network_error
from ci.adapters.oci.http import Request
from ci.adapters.oci.retry import TransientError
from ci.oci.reference import Reference
from ci.oci.registry import ProtocolError, RegistryError, UnreachableError

READ = Request(method="GET", url="/v2/s/b/manifests/t", resource=Reference.parse("a.io/s/b:t"), expected=frozenset())


def caused(error: httpx.RequestError, cause: BaseException | None = None) -> httpx.RequestError:
    error.request = httpx.Request("GET", "https://a.io:444/secret-path?signature=secret")
    error.__cause__ = cause
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"
NO_TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
NO_TLS.reason = "WRONG_VERSION_NUMBER"
REFUSED = OSError(111, "Connect call failed ('127.0.0.1', 444)")
SEVERAL = OSError("All connection attempts failed")
SEVERAL.__cause__ = ExceptionGroup(
    "multiple connection attempts failed",
    [REFUSED, OSError(111, "Connect call failed ('127.0.0.2', 444)"), OSError(101, "Connect call failed ('::2', 444)")],
)
UNUSABLE = r"https://a.io:444: unusable response while reading a.io/s/b:t \(a\)\. Is this a registry\?"


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), UNTRUSTED), UnreachableError,
            r"The certificate of https://a.io:444 is not trusted \(self-signed .*\), so reading a.io/s/b:t failed: ",
            id="not trusted",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), NO_TLS), UnreachableError,
            r"TLS with https://a.io:444 failed .*\(WRONG_VERSION_NUMBER\): if the registry speaks plain HTTP, it",
            id="no TLS",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
            UnreachableError,
            r"The host of https://a.io:444 was not found while reading a.io/s/b:t \(Name or .* known\): correct",
            id="no such host",
        ),
        pytest.param(caused(httpx.TooManyRedirects("a")), ProtocolError, UNUSABLE, id="redirects"),
        pytest.param(caused(httpx.UnsupportedProtocol("a")), ProtocolError, UNUSABLE, id="protocol"),
        pytest.param(caused(httpx.DecodingError("a")), ProtocolError, UNUSABLE, id="encoding"),
    ],
)  # fmt: skip
def test_what_will_not_pass_is_not_retried(error: httpx.RequestError, kind: type[RegistryError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        raise network_error(error, READ)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "Connection refused")),
            r"https://a.io:444 cannot be reached for reading a.io/s/b:t \(.*Connection refused\): is it running",
            id="refused",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), SEVERAL),
            r"cannot be reached for reading a.io/s/b:t \(Connection refused; Network is unreachable\): is it running",
            id="several addresses",
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
        pytest.param(caused(httpx.ReadTimeout("")), "timed out while reading", id="silence"),
        pytest.param(caused(httpx.ConnectTimeout("")), "timed out", id="silence from the start"),
        pytest.param(caused(httpx.ReadError(""), ConnectionResetError(104, "x")), "closed the connection", id="reset"),
        pytest.param(caused(httpx.WriteError(""), BrokenPipeError(32, "x")), "closed the connection", id="pipe"),
        pytest.param(caused(httpx.RemoteProtocolError("x")), "closed the connection", id="half a response"),
        pytest.param(caused(httpx.ReadError(""), ssl.SSLError(1, "x")), "closed the connection", id="TLS breaks"),
    ],
)
def test_network_errors_that_may_pass_are_retried(error: httpx.RequestError, sentence: str) -> None:
    failure = network_error(error, READ)
    assert isinstance(failure, TransientError)
    with pytest.raises(UnreachableError, match=sentence):
        raise failure.error
    assert "secret" not in str(failure)
