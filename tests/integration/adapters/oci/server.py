"""A small registry server with scripted faults. It runs in threads, so any client can use it."""

import itertools
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from ci.oci.registry import Manifest, digest_of
from tests.integration.adapters.oci.contents import Contents, RefusalError
from tests.integration.adapters.oci.faults import Act, Fault, Reply, Request, refusal
from tests.integration.adapters.oci.logins import Login, NoLogin, Tokens

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|referrers|tags)/(?P<name>[^/]+|uploads/.*)")


class Seen(NamedTuple):
    """A request, the status of its response (0 for none), and the bytes of content that went in and out."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    taken: int
    given: int

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RegistryServer:
    """Serves `contents` to clients that `login` accepts, with the `faults`; records the requests in `seen`."""

    def __init__(self, contents: Contents | None = None, login: Login | None = None) -> None:
        self.contents = contents or Contents()
        self.login: Login = login or NoLogin()
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.uploads: dict[str, bytes] = {}
        self.page = 1000
        self.host = ""
        self._numbers = itertools.count(1)

    @contextmanager
    def serving(self) -> Iterator["RegistryServer"]:
        """Serve while the context is open. Errors of the server itself are raised when it ends."""
        with _Server(self) as server:
            self.host = f"127.0.0.1:{server.server_address[1]}"
            if isinstance(self.login, Tokens) and not self.login.realm:
                self.login.realm = self.url
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()
        for error in server.errors:
            raise error

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def fault(self, method: str, path: str, act: Act, *, at: int = 1, times: int = 1) -> Fault:
        """Add a fault; see Fault."""
        self.faults.append(Fault(method, path, act, at=at, times=times))
        return self.faults[-1]

    def asked(self, method: str, path: str = "") -> list[Seen]:
        """Return the requests with a method and a text in their path."""
        return [seen for seen in self.seen if seen.method == method and path in seen.path]

    def reply(self, request: Request) -> Reply | None:
        """Return the response to a request, with the faults applied."""
        acts = [act for fault in self.faults if (act := fault.acts_on(request))]
        return acts[0](request, lambda: self._serve(request)) if acts else self._serve(request)

    def _serve(self, request: Request) -> Reply:
        if request.path.startswith("/token") and isinstance(self.login, Tokens):
            return self.login.issue(request)
        match = _PATH.fullmatch(urlsplit(request.path).path)
        if match is None:
            return refusal(404)
        action = "pull" if request.method in {"GET", "HEAD"} else "push"
        refused = self.login.refuse(request, match["repository"], action)
        if refused:
            return refused
        try:
            return self._answer(request, match["repository"], match["kind"], match["name"])
        except RefusalError as error:
            return refusal(405 if error.code == "UNSUPPORTED" else 400, error.code, error.message)

    def _answer(self, request: Request, repository: str, kind: str, name: str) -> Reply:
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.path).query).items()}
        if kind == "tags":
            return self._tags(repository, query)
        if kind == "referrers":
            return self._referrers(repository, name)
        if kind == "manifests":
            return self._manifest(request, repository, name)
        if name.startswith("uploads/"):
            return self._upload(request, repository, name.removeprefix("uploads/"), query)
        content = self.contents.blobs[repository].get(name)
        return refusal(404, "BLOB_UNKNOWN") if content is None else _found(content, "application/octet-stream", name)

    def _manifest(self, request: Request, repository: str, target: str) -> Reply:
        if request.method == "PUT":
            manifest = Manifest(content=request.content(), media_type=request.headers.get("content-type", ""))
            self.contents.write(repository, target, manifest)
            return Reply(201, {"Docker-Content-Digest": manifest.digest})
        found = self.contents.find(repository, target)
        if request.method == "DELETE" and (found or not self.contents.deletes):
            self.contents.delete(repository, target)
            return Reply(202, {})
        if found is None:
            return refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if found.media_type not in request.headers.get("accept", ""):
            return refusal(404, "MANIFEST_UNKNOWN", "accept header does not support it")
        return _found(found.content, found.media_type, found.digest)

    def _upload(self, request: Request, repository: str, number: str, query: dict[str, str]) -> Reply:
        if request.method == "POST":
            mounted = self.contents.blobs[query.get("from", "")].get(query.get("mount", ""))
            if mounted is not None:
                self.contents.write_blob(repository, digest_of(mounted), mounted)
                return Reply(201, {"Docker-Content-Digest": digest_of(mounted)})
            number = str(next(self._numbers))
            self.uploads[number] = b""
            return Reply(202, {"Location": f"{self.url}/v2/{repository}/blobs/uploads/{number}?state=a%2Fb"})
        if number not in self.uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        if request.method == "DELETE":
            del self.uploads[number]
            return Reply(204, {})
        content = self.uploads.pop(number) + request.content()
        if request.method == "PATCH":
            self.uploads[number] = content
            return Reply(202, {"Location": f"/v2/{repository}/blobs/uploads/{number}"})
        self.contents.write_blob(repository, query["digest"], content)
        return Reply(201, {"Docker-Content-Digest": query["digest"]})

    def _tags(self, repository: str, query: dict[str, str]) -> Reply:
        if repository not in self.contents.manifests:
            return refusal(404, "NAME_UNKNOWN")
        rest = [tag for tag in sorted(self.contents.tags[repository]) if tag > query.get("last", "")]
        size = min(self.page, int(query.get("n", self.page)))
        shown = rest[:size]
        link = {"Link": f'</v2/{repository}/tags/list?n={size}&last={shown[-1]}>; rel="next"'} if rest[size:] else {}
        return _json({"name": repository, "tags": shown}, **link)

    def _referrers(self, repository: str, subject: str) -> Reply:
        if not self.contents.lists_referrers:
            return Reply(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
        found = list(self.contents.referrers(repository, subject))
        return _json({"schemaVersion": 2, "manifests": msgspec.to_builtins(found)})


def _json(document: object, **headers: str) -> Reply:
    return Reply(200, {"Content-Type": "application/json", **headers}, json.dumps(document).encode())


def _found(content: bytes, media_type: str, digest: str) -> Reply:
    return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # any more connections at once would wait a second before they retry

    def __init__(self, registry: RegistryServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry = registry
        self.errors: list[BaseException] = []

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 (the base class's)
        error = sys.exception()
        if error and not isinstance(error, ConnectionError):  # a client may disconnect at any time
            self.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else headers and content are two packets, the second 40 ms late

    def answer(self) -> None:
        assert isinstance(self.server, _Server)
        registry = self.server.registry
        length = int(self.headers.get("content-length", "0"))
        taken = 0

        def read(size: int | None) -> bytes:
            nonlocal taken
            content = self.rfile.read(length - taken if size is None else size)
            taken += len(content)
            return content

        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = registry.reply(Request(self.command, self.path, headers, read))
        if reply:
            read(None)
        given = 0 if reply is None or self.command == "HEAD" else len(reply.content[: reply.cut_at])
        registry.seen.append(Seen(self.command, self.path, headers, reply.status if reply else 0, taken, given))
        if reply:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content[:given])
            self.wfile.flush()
        if reply is None or reply.cut_at is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, not FIN
            self.connection.close()
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 (the base class looks for them)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
        pass
