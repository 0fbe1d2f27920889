"""A server of git repositories over HTTP, as a hosting service: git's own http-backend."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from native_engine.client import RUNNER_HOST
from tests.git_backend import git_handler

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
        server = ThreadingHTTPServer((ADDRESS, _PORT), git_handler(folder))
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
