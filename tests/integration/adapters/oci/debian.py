"""Debian's docker-registry on loopback, with TLS and a password: what a real registry does."""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import bcrypt
import pytest
import trustme

from ci.adapters.oci.endpoint import Credentials, Endpoint
from tests.programs import docker_registry, free_port

USER = "maintainer"
PASSWORD = "tell-nobody-8431"  # noqa: S105 (of a registry that lives as long as a test)

_LOG = "registry.log"
_REQUEST = re.compile(r'^\S+ - \S* \[[^]]*\] "(\S+) (\S+) [^"]*" (\d+) (\d+)', re.MULTILINE)
_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/storage}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http:
  addr: 127.0.0.1:{port}
  secret: s
  relativeurls: true
  tls: {{certificate: {folder}/tls.pem, key: {folder}/tls.key}}
auth:
  htpasswd: {{realm: test, path: {folder}/htpasswd}}
"""


class Request(NamedTuple):
    """A request as the registry logs it, with the bytes of its response."""

    method: str
    path: str
    status: int
    size: int


class DebianRegistry(NamedTuple):
    """Its address, the CA of its certificate, the folders of its files and its log, and its clean-up.

    `collect_garbage` stops it, deletes untagged manifests and the blobs of none, and starts it again. `collect_blobs`
    deletes only the blobs, as its documentation has it.
    """

    host: str
    ca: str
    storage: Path
    collect_garbage: Callable[[], None]
    collect_blobs: Callable[[], None]

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they ended."""
        log = self.storage.with_name(_LOG).read_text(errors="replace")
        return [Request(method, path, int(status), int(size)) for method, path, status, size in _REQUEST.findall(log)]

    @property
    def endpoint(self) -> Endpoint:
        credentials = Credentials(username=USER, password=PASSWORD)
        return Endpoint(host=self.host, credentials=credentials, ca=self.ca)


@contextmanager
def debian_registry(folder: Path) -> Iterator[DebianRegistry]:
    """Run it for as long as the context is open, with all its files below a folder."""
    command = docker_registry()
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    port = free_port()
    configuration = folder / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port))

    def collect(*options: str) -> None:
        running.pop().close()
        subprocess.run([command, "garbage-collect", *options, configuration], capture_output=True, check=True)
        running.append(_started(command, configuration, port))

    running = [_started(command, configuration, port)]
    try:
        authority = ca.cert_pem.bytes().decode()
        yield DebianRegistry(f"localhost:{port}", authority, folder / "storage", lambda: collect("-m"), collect)
    finally:
        for one in running:
            one.close()


def _started(command: Path, configuration: Path, port: int) -> ExitStack:
    """Start it; closing what is returned stops it."""
    stop = ExitStack()
    log = stop.enter_context(configuration.with_name(_LOG).open("ab"))
    process = subprocess.Popen([command, "serve", configuration], stdout=log, stderr=log)
    stop.callback(process.wait)
    stop.callback(process.terminate)
    _wait_for(port, process, Path(log.name))
    return stop


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"docker-registry did not start:\n{log.read_text()}")
