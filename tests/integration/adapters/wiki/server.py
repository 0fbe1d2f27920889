"""A hosting service with one wiki: TLS by a CA of its own, and a password."""

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import trustme

from ci.adapters.git.wiki import WikiAddress
from tests.git_backend import git_handler

USER, TOKEN = "x-access-token", "ghs_tellnobody8431"
_NAME = "stack.wiki.git"


class WikiServer:
    """The server's repository, and what it does before it serves a request."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "served" / _NAME
        self.ca = folder / "ca.pem"
        self.before: Callable[[str], None] = lambda _path: None
        self.port = 0

    def begin(self, path: str) -> None:
        """Do what is to be done before a request of a path is served."""
        self.before(path)

    @property
    def address(self) -> WikiAddress:
        """Its address, with the right login."""
        url = f"https://localhost:{self.port}/{_NAME}"
        return WikiAddress(url=url, username=USER, token=TOKEN, ca=str(self.ca))

    def git(self, *words: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(["git", *words], cwd=self.repository, input=stdin, check=True, capture_output=True)
        return done.stdout

    @property
    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "main"))

    def files(self) -> Mapping[str, bytes]:
        """Return the files of the default branch."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", "main").decode().split("\0")
        return {name: self.git("cat-file", "blob", f"main:{name}") for name in names if name}

    def write(self, **files: bytes) -> None:
        """Commit files as a person does, each name without its `.md`."""
        blobs = {name: self.git("hash-object", "-w", "--stdin", stdin=text) for name, text in files.items()}
        is_first = not self.git("branch", "--list", "main")
        listed = b"" if is_first else self.git("ls-tree", "main")
        kept = b"".join(
            line for line in listed.splitlines(keepends=True) if line.split(b"\t")[1][:-4].decode() not in files
        )
        added = b"".join(b"100644 blob " + blob.strip() + f"\t{name}.md\n".encode() for name, blob in blobs.items())
        tree = self.git("mktree", stdin=kept + added).decode().strip()
        parent = () if is_first else ("-p", "main")
        person = ("-c", "user.name=a person", "-c", "user.email=person@example.org")
        commit = self.git(*person, "commit-tree", "-m", "m", *parent, tree).decode().strip()
        self.git("update-ref", "refs/heads/main", commit)


@contextmanager
def wiki_server(folder: Path) -> Iterator[WikiServer]:
    """Serve a wiki without a page."""
    server = WikiServer(folder)
    server.repository.mkdir(parents=True)
    server.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
    server.git("config", "http.receivepack", "true")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(server.ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    handler = git_handler(folder / "served", f"{USER}:{TOKEN}", server.begin)
    http = ThreadingHTTPServer(("localhost", 0), handler)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
