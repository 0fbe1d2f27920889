"""What failures below HTTP mean, in sentences for the person who can do something about them."""

import socket
import ssl

import httpx

from ci.adapters.registry.exchange import Question, origin
from ci.adapters.registry.retrying import TransientError
from ci.pipeline.registry_errors import ProtocolError, RegistryError, UnreachableError


def network_fault(error: httpx.RequestError, question: Question) -> RegistryError | TransientError:
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
