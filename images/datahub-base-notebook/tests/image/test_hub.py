"""The start script under JupyterHub: a hub of our own answers, as far as the single-user server asks it."""

import http.server
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

PORT = 8765
SECONDS = 60


class Hub(http.server.BaseHTTPRequestHandler):
    """Says yes to whatever is asked of the hub's API."""

    def answer(self) -> None:
        """Answer with the hub's version, or with the user that a token belongs to."""
        user = {
            "kind": "user",
            "name": "student",
            "admin": False,
            "groups": [],
            "scopes": ["access:servers!user=student"],
        }
        body = json.dumps(user if "user" in self.path else {"version": "5.0.0"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-JupyterHub-Version", "5.0.0")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 (http.server calls them)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def single_user_server() -> Iterator[str]:
    """Start the image's server as a hub would; give its address."""
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{PORT}/user/student/"
    environment = {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": "token-of-the-hub",
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-student",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/student/",
        "JUPYTERHUB_SERVICE_URL": url,
        "JUPYTERHUB_USER": "student",
    }
    environment.pop("PYTHONPATH", None)
    with subprocess.Popen(["start-notebook"], env=environment) as process:
        try:
            yield url
        finally:
            process.terminate()
            hub.shutdown()


def test_the_single_user_server_starts_and_asks_the_hub(single_user_server: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{single_user_server}api", timeout=5) as answer:  # noqa: S310 (our own server)
                assert json.load(answer)["version"]
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
