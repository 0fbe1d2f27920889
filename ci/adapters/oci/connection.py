"""The way to one registry: where it answers, and as whom it is asked."""

import httpx

from ci.adapters.oci.auth import Authorization
from ci.adapters.oci.endpoint import Endpoint, is_loopback
from ci.adapters.oci.errors import denied, network_error, response_error
from ci.adapters.oci.http import Request, Response, host_and_port, origin
from ci.adapters.oci.retry import Clock
from ci.oci.registry import ProtocolError

# Seconds: to be connected, and between two signs of life after that. Callers bound how much is under way at once, so
# nothing waits long for a free connection.
TIMEOUT = httpx.Timeout(connect=10, read=30, write=30, pool=None)
_MOST_REDIRECTS = 5
_MOST_ERROR_BYTES = 1 << 16
_HEADERS = {"User-Agent": "datahub", "Accept-Encoding": "identity"}


class Connection:
    """An HTTP client for one registry, to be closed."""

    def __init__(self, access: Endpoint, clock: Clock, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._access = access
        self._clock = clock
        self._client = httpx.AsyncClient(
            headers=_HEADERS,
            max_redirects=_MOST_REDIRECTS,
            timeout=timeout,
            # The environment's proxies lead to the world, not to this machine or a service beside it.
            trust_env=not access.address and not is_loopback(access.host),
            verify=access.trust(),
        )
        self._authorization = Authorization(access, self._send, clock)

    async def close(self) -> None:
        """Let go of the network."""
        await self._client.aclose()

    async def ask_once(self, question: Request) -> Response:
        """Return one of the answers that the question expects. Raises a RegistryError or TransientError for others."""
        url = self.locate(question)
        is_own = host_and_port(url) == host_and_port(self._access.url)
        # Who is sent elsewhere goes there as nobody: a signed address needs no password, and may not see one.
        used = await self._authorization.header(question) if is_own else ""
        answer = await self._send(question, url, used)
        if answer.status == httpx.codes.UNAUTHORIZED and host_and_port(answer.url) == host_and_port(self._access.url):
            used = await self._authorization.renew(question, answer, used)
            answer = await self._send(question, url, used)
            if answer.status == httpx.codes.UNAUTHORIZED and used.startswith("Bearer") and self._access.credentials:
                raise denied(answer, question, self._access)  # the login was good for a token
        if answer.status in question.expects:
            return answer
        raise response_error(answer, question, self._access, self._clock.now())

    def locate(self, question: Request) -> httpx.URL:
        """Return the address of a question.

        A registry that calls itself by its name, or that does not know of the TLS in front of it, is asked where we
        reached it all the same.
        """
        own = self._access.url
        try:
            url = own.join(question.url)
        except httpx.InvalidURL as error:
            raise ProtocolError(
                f"{self._access.host} sends those who ask {question.doing} to an address that is none ({error})."
            ) from error
        known = {host_and_port(own), host_and_port(httpx.URL(f"{own.scheme}://{self._access.host}"))}
        if host_and_port(url) in known:
            return url.copy_with(scheme=own.scheme, netloc=own.netloc)
        return url

    async def _send(self, question: Request, url: httpx.URL, authorization: str) -> Response:
        headers = {**question.headers, **({"Authorization": authorization} if authorization else {})}
        stream = self._client.stream(
            question.method, url, headers=headers, content=question.content or None, follow_redirects=question.follows
        )
        try:
            async with stream as response:
                return Response(response.status_code, response.headers, await _read(response, question), response.url)
        except httpx.RequestError as error:
            failure = network_error(error, question)
            raise failure from error


async def _read(response: httpx.Response, question: Request) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if not response.is_success and len(content) > _MOST_ERROR_BYTES:
            break
        if response.is_success and len(content) > question.most:
            raise ProtocolError(
                f"{origin(response.url)} answers the request {question.doing} with more than {question.most:,} bytes, "
                "which is more than it can be."
            )
    return bytes(content)
