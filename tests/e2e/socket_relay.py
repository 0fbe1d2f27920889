"""A Unix socket in front of another one, whose connections can be cut: what a client sees of an engine that dies."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path


class _Relay:
    def __init__(self, address: Path, target: Path) -> None:
        self._target = str(target)
        self._sockets = [socket.socket(socket.AF_UNIX)]
        self._sockets[0].bind(str(address))
        self._sockets[0].listen()
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def cut(self) -> None:
        """Cut all connections and take no more."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _start(self, work: Callable[..., None], *values: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=values, daemon=True))
        self._threads[-1].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, engine = self._sockets[0].accept()[0], socket.socket(socket.AF_UNIX)
                self._sockets += [client, engine]
                engine.connect(self._target)
                self._start(_copy, client, engine)
                self._start(_copy, engine, client)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(1 << 16):
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def socket_relay(address: Path, target: Path) -> Iterator[Callable[[], None]]:
    """Relay from `address` to `target`; what is yielded cuts all connections for good."""
    with closing(_Relay(address, target)) as relay:
        yield relay.cut
