"""References to images and manifests in registries, checked here so that no invalid one is ever sent."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ci.errors import RequestError

DOCKER_HUB = "docker.io"

_HUB_HOSTS = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_MAX_TAG = 128
_MAX_PATH = 255
_MAX_PORT = (1 << 16) - 1

# The grammar. Values of this module hold less than Dockerfiles may: hosts in lower case, and digests of SHA-256 only.
_LABEL_TEXT = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST_TEXT = rf"(?:{_LABEL_TEXT}(?:\.{_LABEL_TEXT})*|\[[0-9A-Fa-f:]+\])(?::(?P<port>[0-9]+))?"
_COMPONENT_TEXT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG_CHARACTERS = "A-Za-z0-9_.-"
_TAG_TEXT = rf"[A-Za-z0-9_][{_TAG_CHARACTERS}]{{0,{_MAX_TAG - 1}}}"
_ANY_DIGEST_TEXT = r"[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32,}"

_HOST = re.compile(_HOST_TEXT)
_COMPONENT = re.compile(_COMPONENT_TEXT)
_INVALID_IN_TAG = re.compile(f"[^{_TAG_CHARACTERS}]")
_TAG = re.compile(_TAG_TEXT)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE = re.compile(
    rf"(?:{_HOST_TEXT}/)?{_COMPONENT_TEXT}(?:/{_COMPONENT_TEXT})*(?::{_TAG_TEXT})?(?:@{_ANY_DIGEST_TEXT})?"
)


class Repository(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Where the versions of one image are kept. Raises RequestError for a name that no registry accepts."""

    host: str
    path: str

    def __post_init__(self) -> None:
        problems = [*_host_problems(self.host), *_path_problems(self.path)]
        if problems:
            raise RequestError(f"Invalid repository name {str(self)!r}: {'; '.join(problems)}.")

    @classmethod
    def parse(cls, text: str) -> "Repository":
        """Read `[host/]path`, with Docker Hub's short names: `python` is `docker.io/library/python`."""
        first, slash, rest = text.partition("/")
        host, path = (first.lower(), rest) if slash and _is_host(first) else (DOCKER_HUB, text)
        if host in _HUB_HOSTS:
            host, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
        return cls(host=host, path=path)

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    def tagged(self, tag: str) -> "Reference":
        """Return the reference to a tag of this repository."""
        return Reference(repository=self, tag=tag)

    def pinned(self, digest: str) -> "Reference":
        """Return the reference to the manifest with this digest in this repository."""
        return Reference(repository=self, digest=digest)


class Reference(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Points to one manifest. With both a tag and a digest, the digest decides and the tag is a comment."""

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        problems = [*_tag_problems(self.tag), *_digest_problems(self.digest)]
        if not self.tag and not self.digest:
            problems.append("neither a tag nor a digest")
        if problems:
            raise RequestError(f"Invalid image reference {str(self)!r}: {'; '.join(problems)}.")

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `[host/]path[:tag][@digest]`; without both, the tag is `latest`."""
        parts = _split(text)
        if "" in (parts.tag, parts.digest):
            raise RequestError(f"Invalid image reference {text!r}: empty {'tag' if parts.tag == '' else 'digest'}.")
        tag = "latest" if parts.tag is None and parts.digest is None else parts.tag or ""
        return cls(repository=Repository.parse(parts.name), tag=tag, digest=parts.digest or "")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def target(self) -> str:
        """What a request to the registry is made with: the digest if there is one, else the tag."""
        return self.digest or self.tag


def is_digest(text: str) -> bool:
    """Return whether this is a SHA-256 digest, the one algorithm that every registry must know."""
    return _DIGEST.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Return whether this is a reference as Dockerfiles may hold it, before it is normalised."""
    return _REFERENCE.fullmatch(text) is not None


def is_image_name(text: str) -> bool:
    """Return whether an image may have this name: whether it is valid as the last part of a repository's path."""
    return _COMPONENT.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Return whether this is a tag that registries accept."""
    return _TAG.fullmatch(text) is not None


def split_reference(reference: str) -> tuple[str, str | None]:
    """Return the name, as written, and the tag of a reference; None without one."""
    parts = _split(reference)
    return parts.name, parts.tag


def repository_name(reference: str) -> str:
    """Return the last part of the repository's path: `python` of `localhost:5000/a/python:3.12@sha256:…`."""
    return _split(reference).name.rpartition("/")[2]


class _Parts(NamedTuple):
    """A reference, split and not checked. None for a part that is absent, with its `:` or `@`."""

    name: str
    tag: str | None
    digest: str | None


def _split(text: str) -> _Parts:
    named, at, digest = text.partition("@")
    parents, slash, last = named.rpartition("/")
    last, colon, tag = last.partition(":")
    return _Parts(f"{parents}{slash}{last}", tag if colon else None, digest if at else None)


def _is_host(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost"


def _host_problems(host: str) -> Iterator[str]:
    match = _HOST.fullmatch(host)
    if match is None or host != host.lower():
        yield f"invalid host {host!r}"
    elif match["port"] and not 0 < int(match["port"]) <= _MAX_PORT:
        yield f"invalid port {match['port']}"


def _path_problems(path: str) -> Iterator[str]:
    for part in path.split("/"):
        if part != part.lower():
            yield f"invalid path component {part!r}: registries accept lower-case letters only"
        elif not part:
            yield "empty path component"
        elif not is_image_name(part):
            yield (
                f"invalid path component {part!r}: use lower-case letters and digits separated by '.', '_', '__' or '-'"
            )
    if len(path) > _MAX_PATH:
        yield f"the path has {len(path)} characters; at most {_MAX_PATH} are allowed"


def _tag_problems(tag: str) -> Iterator[str]:
    invalid = sorted(set(_INVALID_IN_TAG.findall(tag)))
    if len(tag) > _MAX_TAG:
        yield f"the tag has {len(tag)} characters; at most {_MAX_TAG} are allowed"
    if invalid:
        yield f"the tag {tag!r} contains {' '.join(map(repr, invalid))}: use letters, digits, '_', '.' and '-'"
    elif tag and not _TAG.fullmatch(tag[:_MAX_TAG]):
        yield f"the tag {tag!r} starts with {tag[0]!r}: it must start with a letter, a digit or '_'"


def _digest_problems(digest: str) -> Iterator[str]:
    if digest and not is_digest(digest):
        yield f"invalid digest {digest!r}: expected 'sha256:' and 64 lower-case hexadecimal digits"
