"""Names of what lies in registries. They are checked here, so that nothing a registry would choke on ever leaves."""

import re
from collections.abc import Iterator

import msgspec

from ci.errors import RequestError

DOCKER_HUB = "docker.io"

_HUB_HOSTS = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\])(?::(?P<port>[0-9]+))?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TAG_CHARACTER = re.compile(r"[A-Za-z0-9_.-]")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_TAG = 128
_MOST_PATH = 255


class Repository(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A place for the versions of one image. Raises RequestError when no registry could have it."""

    host: str
    path: str

    def __post_init__(self) -> None:
        problems = [*_host_problems(self.host), *_path_problems(self.path)]
        if problems:
            raise RequestError(f"{str(self)!r} cannot be the name of a repository: {'; '.join(problems)}.")

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
        """Return the reference to what a tag names here."""
        return Reference(repository=self, tag=tag)

    def pinned(self, digest: str) -> "Reference":
        """Return the reference to the manifest with this digest here."""
        return Reference(repository=self, digest=digest)


class Reference(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A name for one manifest. With both tag and digest, the digest decides and the tag is a remark."""

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        problems = [*_tag_problems(self.tag), *_digest_problems(self.digest)]
        if not self.tag and not self.digest:
            problems.append("it has neither a tag nor a digest")
        if problems:
            raise RequestError(f"{str(self)!r} cannot name an image: {'; '.join(problems)}.")

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `[host/]path[:tag][@digest]`; without both it is the tag `latest`, as everywhere."""
        name, at, digest = text.partition("@")
        parents, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        if (colon and not tag) or (at and not digest):
            raise RequestError(f"{text!r} cannot name an image: nothing stands behind its {'@' if at else ':'!r}.")
        repository = Repository.parse(f"{parents}{slash}{last}")
        return cls(repository=repository, tag=tag if colon or at else "latest", digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def target(self) -> str:
        """What the registry is asked for: the digest if there is one, else the tag."""
        return self.digest or self.tag


def is_digest(text: str) -> bool:
    """LogLine whether this can be the name of content: a SHA-256, the one kind that registries must all know."""
    return _DIGEST.fullmatch(text) is not None


def _is_host(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost"


def _host_problems(host: str) -> Iterator[str]:
    match = _HOST.fullmatch(host)
    if match is None:
        yield f"{host!r} is no host"
    elif match["port"] and not 0 < int(match["port"]) < 1 << 16:
        yield f"there is no port {match['port']}"


def _path_problems(path: str) -> Iterator[str]:
    for part in path.split("/"):
        if part != part.lower():
            yield f"{part!r} has capital letters, which registries do not take"
        elif not part:
            yield "a part of its path is empty"
        elif not is_image_name(part):
            yield f"{part!r} is not small letters and digits, joined by one of . _ __ or dashes"
    if len(path) > _MOST_PATH:
        yield f"its path has {len(path)} characters, and {_MOST_PATH} is the most"


def _tag_problems(tag: str) -> Iterator[str]:
    strange = sorted({character for character in tag if not _TAG_CHARACTER.match(character)})
    if strange:
        yield f"a tag is letters, digits and _ . - and {tag!r} holds {' '.join(map(repr, strange))}"
    elif tag and not _TAG.fullmatch(tag):
        yield f"the tag {tag!r} begins with {tag[0]!r}, and only a letter, a digit or _ may"
    if len(tag) > _MOST_TAG:
        yield f"its tag has {len(tag)} characters, and {_MOST_TAG} is the most"


def _digest_problems(digest: str) -> Iterator[str]:
    if digest and not is_digest(digest):
        yield f"{digest!r} is no digest: one is sha256: and 64 hexadecimal digits in small letters"


_STACK_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_STACK_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_STACK_HOST = rf"(?:{_STACK_LABEL}(?:\.{_STACK_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_STACK_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_STACK_DIGEST = r"[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?:{_STACK_HOST}/)?{_STACK_NAME}(?:/{_STACK_NAME})*(?::{_STACK_TAG})?(?:@{_STACK_DIGEST})?")
_COMPONENT = re.compile(_STACK_NAME)


def is_reference(text: str) -> bool:
    """LogLine whether a registry could be asked for this."""
    return _REFERENCE.fullmatch(text) is not None


def is_image_name(text: str) -> bool:
    """LogLine whether an image may be named so: by a valid last part of a repository's path."""
    return _COMPONENT.fullmatch(text) is not None


def repository_name(reference: str) -> str:
    """Return the last part of the repository's path: `python` of `localhost:5000/a/python:3.12@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
