"""One question to a registry and its answer, as values."""

from collections.abc import Mapping
from typing import NamedTuple

import httpx
import msgspec

from ci.oci.reference import Reference, Repository
from ci.oci.registry import MOST_MANIFEST_BYTES


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is a path on the registry or an address it gave; `about` is what an error names.

    An answer with one of the `expects` statuses comes back, every other is an error. `follows` allows redirects, and no
    more than `most` bytes of an answer are read.
    """

    method: str
    url: str
    about: Reference | Repository
    expects: frozenset[int]
    writes: bool = False
    deletes: bool = False
    headers: Mapping[str, str] = {}
    content: bytes = b""
    follows: bool = False
    most: int = MOST_MANIFEST_BYTES

    @property
    def repository(self) -> Repository:
        """The repository that is asked about."""
        return self.about if isinstance(self.about, Repository) else self.about.repository

    @property
    def scope(self) -> str:
        """The right that it takes, in the words of token servers."""
        actions = "pull,push,delete" if self.deletes else "pull,push" if self.writes else "pull"
        return f"repository:{self.repository.path}:{actions}"

    @property
    def verb(self) -> str:
        """What is done, for sentences."""
        return "delete" if self.deletes else "write" if self.writes else "read"

    @property
    def doing(self) -> str:
        """What the question is for, for sentences."""
        return f"to {self.verb} {self.about}"


class Response(NamedTuple):
    """What came back. `url` is where it came from in the end."""

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
    """Return where an address leads, without its path, which may hold what only registry and asker should know."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def host_and_port(url: httpx.URL) -> tuple[str, int | None]:
    """Return the host and port of an address, None for the scheme's own port."""
    return url.host, url.port
