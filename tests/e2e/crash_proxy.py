"""A plain-HTTP proxy for a registry that speaks TLS, which interrupts a run at one of its write requests.

Writes are everything but GET and HEAD, the engine's uploads and the module's own requests alike. What a killed run had
sent a moment before may arrive or be lost: so one kind of point lets it arrive, and the other loses it.
"""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, StrEnum, auto
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, TypeVar

from typing_extensions import override

_READS = {"GET", "HEAD"}
_OF_ONE_CONNECTION = {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}


class When(StrEnum):
    """On which side of a write a run is killed."""

    BEFORE = "before"
    """Neither the write nor any later request of the run arrives."""
    AFTER = "after"
    """The write arrives, without a response, and so does whatever else is under way."""


class Fate(Enum):
    """What becomes of a request."""

    PASSES = auto()
    IS_DROPPED = auto()
    GETS_NO_RESPONSE = auto()
    IS_FORBIDDEN = auto()
    """The answer is 403, and the registry does not see it."""


class Point(NamedTuple):
    """The `number`-th write, from 1, of those whose method and path have the text `matching`."""

    when: When
    number: int
    matching: str = ""

    def __str__(self) -> str:
        return f"{self.when} write {self.number}{f' of {self.matching}' if self.matching else ''}"


class CrashProxy:
    """Listens on a local port. `writes` are the write requests since it was armed, `hit` the one of the point.

    `sent` counts the bytes that clients sent.
    """

    def __init__(self, host: str, ca: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._trust = ssl.create_default_context(cadata=ca)
        self._lock = threading.Lock()
        self._point: Point | None = None
        self._kill: Callable[[], None] = _nothing
        self.port = 0
        self.sent = 0
        self.pending = 0
        self.writes: list[str] = []
        self.hit = ""

    def arm(self, point: Point | None = None, kill: Callable[[], None] | None = None) -> None:
        """Forget all requests so far, and interrupt the run at a point from now on; at none without one."""
        with self._lock:
            self._point, self._kill = point, kill or _nothing
            self.writes, self.hit = [], ""

    def upstream(self) -> HTTPSConnection:
        """Return a connection to the registry itself."""
        return HTTPSConnection(*self._target, context=self._trust, timeout=60)

    def decide(self, request: str) -> Fate:
        """Count a request, and kill the run if it is to die before it."""
        with self._lock:
            if self.hit and self._point and self._point.when is When.BEFORE:
                return Fate.IS_DROPPED
            if request.partition(" ")[0] in _READS:
                return Fate.PASSES
            self.writes.append(request)
            point = self._point
            if point is None or self.hit or sum(point.matching in write for write in self.writes) < point.number:
                return Fate.PASSES
            self.hit = request
            if point.when is When.AFTER:
                return Fate.GETS_NO_RESPONSE
            self._kill()  # all other requests wait for the lock, so that none is forwarded meanwhile
            return Fate.IS_DROPPED

    def kill(self) -> None:
        self._kill()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request among the pending ones."""
        with self._lock:
            self.pending += 1
        try:
            yield
        finally:
            with self._lock:
                self.pending -= 1


Proxy = TypeVar("Proxy", bound=CrashProxy)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and its body are two packets
    proxy: CrashProxy

    def forward(self) -> None:
        self.close_connection = True
        with self.proxy.answering(), suppress(HTTPException, OSError):
            content = self._content()  # first: a request counts when it has arrived, and is carried out from then on
            self.proxy.sent += len(content)
            fate = self.proxy.decide(f"{self.command} {self.path.partition('?')[0]}")
            if fate is Fate.IS_FORBIDDEN:
                self.send_error(403)
            elif fate is not Fate.IS_DROPPED:
                response, answer = self._ask(content)
                if fate is Fate.GETS_NO_RESPONSE:
                    self.proxy.kill()
                else:
                    self._reply(response, answer)
                    self.close_connection = False

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = forward  # noqa: N815 (names of http.server)

    def _ask(self, content: bytes) -> tuple[HTTPResponse, bytes]:
        upstream = self.proxy.upstream()
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_ONE_CONNECTION:
                    upstream.putheader(name, value)
            if self.command not in _READS:
                upstream.putheader("Content-Length", str(len(content)))
            upstream.endheaders(content or None)
            response = upstream.getresponse()
            return response, response.read()
        finally:
            upstream.close()

    def _reply(self, response: HTTPResponse, answer: bytes) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _OF_ONE_CONNECTION - {"content-length"}:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _content(self) -> bytes:
        """Return the body. Raises OSError if the client went away before it had sent all."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = bytearray()
            while piece := self._read(int(self.rfile.readline().partition(b";")[0], 16)):
                content += piece
                self.rfile.readline()
            self.rfile.readline()
            return bytes(content)
        return self._read(int(self.headers.get("Content-Length", "0")))

    def _read(self, size: int) -> bytes:
        content = self.rfile.read(size)
        if len(content) < size:
            raise ConnectionError(f"{len(content)} of {size} bytes came")
        return content

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # clients keep idle connections open

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that its client cut is what happens here."""


def _nothing() -> None:
    """Kill nothing."""


@contextmanager
def crash_proxy(host: str, ca: str) -> Iterator[CrashProxy]:
    """Run a proxy for as long as the context is open."""
    with serving(CrashProxy(host, ca)) as proxy:
        yield proxy


@contextmanager
def serving(proxy: Proxy) -> Iterator[Proxy]:
    """Let a proxy listen for as long as the context is open."""
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy})) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
