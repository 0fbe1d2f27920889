"""A plain-HTTP proxy for a registry that speaks TLS, for an engine that does not trust the test's CA; counts bytes."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.from_thread import start_blocking_portal

_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Bridge:
    """Listens on a local port and forwards everything. `sent` counts the bytes that clients sent."""

    def __init__(self, host: str, ca: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._trust = ssl.create_default_context(cadata=ca)
        self.port = 0
        self.sent = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 (not Django's)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._connect)
            yield
            tasks.cancel_scope.cancel()

    async def _connect(self, client: SocketStream) -> None:
        with suppress(*_GONE):
            connecting = anyio.connect_tcp(*self._target, ssl_context=self._trust, tls_standard_compatible=False)
            async with client, await connecting as registry, anyio.create_task_group() as tasks:
                tasks.start_soon(self._pump, registry, client, tasks.cancel_scope)
                await self._pump(client, registry, tasks.cancel_scope)

    async def _pump(self, source: ByteStream, sink: ByteStream, connection: anyio.CancelScope) -> None:
        with suppress(*_GONE):
            async for data in source:
                self.sent += len(data) if isinstance(source, SocketStream) else 0
                await sink.send(data)
        connection.cancel()


@contextmanager
def bridge_to(host: str, ca: str) -> Iterator[Bridge]:
    """Run a bridge for as long as the context is open."""
    bridge = Bridge(host, ca)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(bridge.serving()):
        yield bridge
