"""One request to a registry and its response, as values."""

from collections.abc import Mapping
from typing import NamedTuple

import httpx
import msgspec

from ci.oci.reference import Reference, Repository
from ci.oci.registry import MOST_MANIFEST_BYTES


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is a path on the registry or an address it gave; `resource` is what the request is about, for errors.

    A response with one of the `expected` statuses is returned, any other is an error. `follow_redirects` allows
    redirects, and no more than `max_bytes` of a response are read. `retries` counts the earlier attempts, for the log.
    """

    method: str
    url: str
    resource: Reference | Repository
    expected: frozenset[int]
    writes: bool = False
    deletes: bool = False
    headers: Mapping[str, str] = {}
    content: bytes = b""
    follow_redirects: bool = False
    max_bytes: int = MOST_MANIFEST_BYTES
    retries: int = 0

    @property
    def repository(self) -> Repository:
        """The repository that the request concerns."""
        return self.resource if isinstance(self.resource, Repository) else self.resource.repository

    @property
    def scope(self) -> str:
        """The permission that it needs, as token servers spell it."""
        actions = "pull,push,delete" if self.deletes else "pull,push" if self.writes else "pull"
        return f"repository:{self.repository.path}:{actions}"

    @property
    def verb(self) -> str:
        """What the request does, for sentences: read, write or delete."""
        return "delete" if self.deletes else "write" if self.writes else "read"

    @property
    def action(self) -> str:
        """What the request does and to what, for sentences such as "timed out while reading a.io/b:c"."""
        doing = "deleting" if self.deletes else "writing" if self.writes else "reading"
        return f"{doing} {self.resource}"


class Response(NamedTuple):
    """A response that was read to its end. `url` is where it came from, after all redirects."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: httpx.URL

    @property
    def media_type(self) -> str:
        """The type of the content, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """Return a header, empty if it was not sent."""
        value: str = self.headers.get(name, "")
        return value


def origin(url: httpx.URL) -> str:
    """Return scheme, host and port of an address. Its path and query may hold secrets between client and registry."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def host_and_port(url: httpx.URL) -> tuple[str, int | None]:
    """Return the host and port of an address, None for the scheme's own port."""
    return url.host, url.port
