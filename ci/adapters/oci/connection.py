"""The HTTP connection to one registry: its address, its login, and a log line for each request."""

import logging
import time

import httpx

from ci.adapters.oci.auth import Authorization
from ci.adapters.oci.endpoint import Endpoint, is_loopback
from ci.adapters.oci.errors import access_error, network_error, response_error
from ci.adapters.oci.http import Request, Response, host_and_port, origin
from ci.clock import Clock
from ci.oci.registry import ProtocolError

# Seconds: to connect, and between two pieces of data after that. Callers limit how much runs at once, so no request
# waits long for a free connection.
TIMEOUT = httpx.Timeout(connect=10, read=30, write=30, pool=None)
_MAX_REDIRECTS = 5
_MAX_ERROR_BYTES = 1 << 16
_HEADERS = {"User-Agent": "datahub", "Accept-Encoding": "identity"}

# One line per request, at DEBUG. It never holds a header, a query or a body: these may hold passwords and signatures.
_LOG = logging.getLogger("ci.oci")


class Connection:
    """An HTTP client for one registry; must be closed."""

    def __init__(self, endpoint: Endpoint, clock: Clock, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._endpoint = endpoint
        # Parsed once: to locate each request by parsing them again took 7 % of a plan's time in a profile.
        self._url = endpoint.url
        self._own = host_and_port(self._url)
        self._known = {self._own, host_and_port(httpx.URL(f"{self._url.scheme}://{endpoint.host}"))}
        self._clock = clock
        self._client = httpx.AsyncClient(
            headers=_HEADERS,
            max_redirects=_MAX_REDIRECTS,
            timeout=timeout,
            # The environment's proxies lead to the internet, not to this machine or to a service beside it.
            trust_env=not endpoint.address and not is_loopback(endpoint.host),
            verify=endpoint.trust(),
        )
        self._authorization = Authorization(endpoint, self._send, clock)

    async def close(self) -> None:
        """Close all network connections."""
        await self._client.aclose()

    async def send_once(self, request: Request) -> Response:
        """Send a request, log in if needed, and return an expected response.

        Raises RegistryError for any other response, TransientError where a retry may succeed.
        """
        url = self.locate(request)
        is_own = host_and_port(url) == self._own
        # No login is sent to another host: a signed address needs none, and must not see the password.
        used = await self._authorization.header(request) if is_own else ""
        response = await self._send(request, url, used)
        if response.status == httpx.codes.UNAUTHORIZED and host_and_port(response.url) == self._own:
            used = await self._authorization.renew(request, response, used)
            response = await self._send(request, url, used)
            if response.status == httpx.codes.UNAUTHORIZED and used.startswith("Bearer") and self._endpoint.credentials:
                raise access_error(response, request, self._endpoint)  # the login was good enough for a token
        if response.status in request.expected:
            return response
        raise response_error(response, request, self._endpoint, self._clock.now())

    def locate(self, request: Request) -> httpx.URL:
        """Return the address of a request.

        A registry may give addresses under its own name, or without the TLS that a proxy in front of it adds: these
        are sent to the endpoint all the same.
        """
        own = self._url
        try:
            url = own.join(request.url)
        except httpx.InvalidURL as error:
            raise ProtocolError(
                f"{self._endpoint.host} redirected to an invalid address while {request.action} ({error})."
            ) from error
        if host_and_port(url) in self._known:
            return url.copy_with(scheme=own.scheme, netloc=own.netloc)
        return url

    async def _send(self, request: Request, url: httpx.URL, authorization: str) -> Response:
        headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
        stream = self._client.stream(
            request.method,
            url,
            headers=headers,
            content=request.content or None,
            follow_redirects=request.follow_redirects,
        )
        started = time.monotonic()
        outcome = "cancelled"
        try:
            async with stream as received:
                outcome = str(received.status_code)
                return Response(received.status_code, received.headers, await _read(received, request), received.url)
        except httpx.RequestError as error:
            outcome = type(error).__name__
            failure = network_error(error, request)
            raise failure from error
        finally:
            milliseconds = (time.monotonic() - started) * 1000
            path = url.raw_path.partition(b"?")[0].decode("ascii")
            _LOG.debug(
                "%s %s%s: %s in %.0f ms, %d retries",
                request.method, origin(url), path, outcome, milliseconds, request.retries,
            )  # fmt: skip


async def _read(received: httpx.Response, request: Request) -> bytes:
    content = bytearray()
    async for piece in received.aiter_bytes():
        content += piece
        if not received.is_success and len(content) > _MAX_ERROR_BYTES:
            break
        if received.is_success and len(content) > request.max_bytes:
            raise ProtocolError(
                f"{origin(received.url)} sent more than {request.max_bytes:,} bytes while {request.action}, which is "
                "more than a valid response can have."
            )
    return bytes(content)
