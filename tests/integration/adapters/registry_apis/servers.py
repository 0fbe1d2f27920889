"""The own interfaces of ghcr.io and Docker Hub, as far as they delete: real HTTP servers on what a registry holds."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

from typing_extensions import override

from tests.integration.adapters.oci.faults import Reply, Request, refusal
from tests.integration.adapters.oci.server import RegistryServer

TOKEN = "tell-nobody-5150"  # noqa: S105 (of servers that live as long as a test)
_VERSIONS = re.compile(
    r"/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages/container/(?P<name>[^/]+)/versions(?:/(?P<id>\d+))?(?:\?.*)?"
)
_TAG = re.compile(r"/v2/repositories/(?P<repository>.+)/tags/(?P<tag>[^/]+)/")


class Call(NamedTuple):
    """A request to such an interface."""

    method: str
    path: str
    authorization: str
    content: bytes


Answer = Callable[[Call], tuple[int, object]]


class ApiServer:
    """Answers calls; the first of `faults` are answered with these statuses, headers and documents instead."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.calls: list[Call] = []
        self.faults: list[tuple[int, dict[str, str], object]] = []
        self.address = ""

    @contextmanager
    def serving(self) -> Iterator["ApiServer"]:
        """Serve while the context is open."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", "0")))
                call = Call(self.command, self.path, self.headers.get("authorization", ""), content)
                owner.calls.append(call)
                status, headers, document = owner.faults.pop(0) if owner.faults else (*owner._split(call),)
                body = b"" if status == 204 else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 (the base class looks for them)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
                pass

        return Handler

    def _split(self, call: Call) -> tuple[int, dict[str, str], object]:
        status, document = self._answer(call)
        return status, {}, document


class GithubServer(ApiServer):
    """Versions of packages: the manifests of a registry, which deletes nothing by itself. Pages have two versions."""

    def __init__(self, registry: RegistryServer) -> None:
        super().__init__(self._reply)
        self._registry = registry
        registry.contents.deletes = False
        self._ids: dict[str, int] = {}

    def _reply(self, call: Call) -> tuple[int, object]:
        if call.authorization != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if call.path == "/users/acme":
            return 200, {"login": "acme", "type": "Organization"}
        match = _VERSIONS.fullmatch(call.path)
        if match is None or match["kind"] != "orgs":
            return 404, {"message": "Not Found"}
        repository = f"{match['owner']}/{unquote(match['name'])}"
        versions = self._versions(repository)
        if not match["id"]:
            size, page = (int(re.search(rf"[?&]{name}=(\d+)", call.path)[1]) for name in ("per_page", "page"))  # type: ignore[index]
            return 200, versions[(page - 1) * size : page * size]
        found = next((one for one in versions if one["id"] == int(match["id"])), None)
        if found is None:
            return 404, {"message": "Not Found"}
        if call.method == "GET":
            return 200, found
        tagged = [one for one in versions if _tags(one)]
        if found in tagged and len(tagged) == 1:
            message = "You cannot delete the last tagged version of a package. You must delete the package instead."
            return 400, {"message": message}
        contents = self._registry.contents
        contents.deletes = True
        contents.delete(repository, str(found["name"]))
        contents.deletes = False
        return 204, None

    def _versions(self, repository: str) -> list[dict[str, object]]:
        contents = self._registry.contents
        tags = contents.tags[repository].items()
        return [
            {
                "id": self._ids.setdefault(digest, len(self._ids) + 1),
                "name": digest,
                "metadata": {"container": {"tags": [tag for tag, target in tags if target == digest]}},
            }
            for digest in reversed(contents.manifests[repository])
        ]


def _tags(version: dict[str, object]) -> object:
    return version["metadata"]["container"]["tags"]  # type: ignore[index]


class HubRegistry(RegistryServer):
    """Docker Hub's registry: it deletes only what has no tag."""

    @override
    def _manifest(self, request: Request, repository: str, target: str) -> Reply:
        if request.method == "DELETE" and target in self.contents.tags[repository].values():
            return refusal(403, "DENIED", "manifest is referenced by a tag")
        return super()._manifest(request, repository, target)


class HubServer(ApiServer):
    """Docker Hub's own interface: a login, and the deletion of single tags."""

    def __init__(self, registry: RegistryServer) -> None:
        super().__init__(self._reply)
        self._registry = registry

    def _reply(self, call: Call) -> tuple[int, object]:
        if call.path == "/v2/auth/token":
            valid = json.loads(call.content) == {"identifier": "bob", "secret": TOKEN}
            return (
                (200, {"access_token": "jwt"}) if valid else (401, {"detail": "Incorrect authentication credentials"})
            )
        if call.authorization != "Bearer jwt":
            return 401, {"detail": "unauthorized"}
        match = _TAG.fullmatch(call.path)
        if call.method != "DELETE" or match is None:
            return 404, {"detail": "Not Found"}
        tags = self._registry.contents.tags[match["repository"]]
        return (204, None) if tags.pop(match["tag"], None) else (404, {"detail": "tag not found"})
