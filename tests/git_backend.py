"""Git's own http-backend as a handler of Python's HTTP server, as a hosting service has it."""

import os
import subprocess
from base64 import b64encode
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # git sends what is large in chunks, which HTTP/1.0 has not
    folder: ClassVar[Path]
    login: ClassVar[str]
    before: ClassVar[Callable[[str], None]]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        wanted = f"Basic {b64encode(self.login.encode()).decode()}"
        if self.login and self.headers.get("Authorization") != wanted:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            return
        type(self).before(self.path)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "REMOTE_USER": self.login.partition(":")[0],
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, check=True, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._answer(int(headers.pop("Status", "200 OK").split()[0]), headers, content)

    do_POST = do_GET  # noqa: N815 (the name in the base class)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name != "Content-Length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
        pass


def git_handler(
    folder: Path, login: str = "", before: Callable[[str], None] = lambda _path: None
) -> type[BaseHTTPRequestHandler]:
    """Return a handler that serves the bare repositories in a folder.

    With a `login` (`user:password`) it wants that. `before` is called with the path of each request that is served.
    """
    return type("Handler", (_Handler,), {"folder": folder, "login": login, "before": staticmethod(before)})
