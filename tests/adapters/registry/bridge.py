"""A plain-HTTP door to a registry that speaks TLS, for an engine that does not know the test's CA; it counts bytes."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 16


class Bridge:
    """Listens on a port of this machine and hands everything on. `sent` is the bytes that clients sent."""

    def __init__(self, host: str, ca: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._trust = ssl.create_default_context(cadata=ca)
        self.port = 0
        self.sent = 0

    async def serve(self, ready: threading.Event, loop_ended: asyncio.Event) -> None:
        async with await asyncio.start_server(self._connect, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await loop_ended.wait()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(*self._target, ssl=self._trust)
            await asyncio.gather(self._pump(reader, inner_writer, counted=True), self._pump(inner_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                self.sent += len(data) if counted else 0
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def bridge_to(host: str, ca: str) -> Iterator[Bridge]:
    """Keep the door open for as long as the context is."""
    bridge = Bridge(host, ca)
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=lambda: (stop.wait(), loop.call_soon_threadsafe(ended.set))).start()
        await bridge.serve(ready, ended)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield bridge
    finally:
        stop.set()
        thread.join()
