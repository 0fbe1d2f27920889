"""A server of git repositories over HTTP, as a hosting service: git's own http-backend."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from native_engine.client import RUNNER_HOST

# Dagger drops the port of a module's address, so it has to be the usual one: at an address that nothing else has.
ADDRESS = "127.0.0.77"
_PORT = 80


@contextmanager
def git_server(folder: Path) -> Iterator[str]:
    """Serve the bare repositories in a folder; yield the address before their names.

    Skips the test where that cannot be: the port takes root, and an engine in a container has a loopback of its own.
    """
    if not os.environ.get(RUNNER_HOST, "").startswith("unix://"):
        pytest.skip("the engine does not share the loopback of this machine")
    try:
        server = ThreadingHTTPServer((ADDRESS, _PORT), _handler(folder))
    except PermissionError:
        pytest.skip(f"port {_PORT} takes root, and Dagger drops any other")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{ADDRESS}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            environment = {
                **os.environ,
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            }
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            done = subprocess.run(["git", "http-backend"], input=body, env=environment, check=True, capture_output=True)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the name in the base class)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
            pass

    return Handler
