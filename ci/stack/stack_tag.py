"""The tag of a whole stack, VERSION-COMMIT, and the stable tag that it may be promoted to."""

import re

import msgspec

from ci.errors import RequestError
from ci.registry_format import HISTORY_SUFFIX, STABLE_SUFFIX

# OCI distribution spec: a tag has at most 128 characters.
_MAX_TAG = 128
_MAX_COMMIT = 40
MAX_VERSION = _MAX_TAG - max(len("-") + _MAX_COMMIT, len(STABLE_SUFFIX) + len(HISTORY_SUFFIX))
"""The most characters of a version, together with the prefix that its tags may have."""
# Without a dash, so that a tag can be split in one way only.
_VERSION = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.]{{0,{MAX_VERSION - 1}}}")
_COMMIT = re.compile(rf"[0-9a-f]{{6,{_MAX_COMMIT}}}")
_COMMIT_SHOWN = 7
_EXAMPLE = "2026.4-a1239ab"


class StackTag(msgspec.Struct, frozen=True, kw_only=True):
    """`2026.4-a1239ab`: version and abbreviated commit. Raises RequestError for parts that cannot be in a tag."""

    version: str
    commit: str

    def __post_init__(self) -> None:
        problem = version_problem(self.version)
        if problem:
            raise RequestError(f"Invalid stack tag {str(self)!r}: {problem}")
        if not _COMMIT.fullmatch(self.commit):
            raise RequestError(
                f"Invalid stack tag {str(self)!r}: {self.commit!r} is not a commit of 6 to {_MAX_COMMIT} lower-case "
                "hexadecimal digits."
            )

    @classmethod
    def of_commit(cls, version: str, commit: str) -> "StackTag":
        """Return the tag that a stack is published under, from the full name of its commit."""
        return cls(version=version, commit=commit[:_COMMIT_SHOWN])

    @classmethod
    def parse(cls, text: str) -> "StackTag":
        """Read VERSION-COMMIT."""
        version, _, commit = text.partition("-")
        if not _VERSION.fullmatch(version) or not _COMMIT.fullmatch(commit):
            raise RequestError(
                f"{text!r} is not a stack tag. Expected VERSION-COMMIT, the commit with 6 to {_MAX_COMMIT} lower-case "
                f"hexadecimal digits, for example {_EXAMPLE}."
            )
        return cls(version=version, commit=commit)

    def __str__(self) -> str:
        return f"{self.version}-{self.commit}"

    @property
    def stable(self) -> str:
        """The stable tag of this version: `2026.4-stable`."""
        return stable_tag_of(self.version)


def stable_tag_of(version: str) -> str:
    """Return the stable tag of a version: `2026.4-stable`."""
    return f"{version}{STABLE_SUFFIX}"


def version_problem(version: str) -> str:
    """Return why a version cannot be part of a stack tag, as a sentence; empty if it can."""
    if _VERSION.fullmatch(version):
        return ""
    return (
        f"{version!r} cannot be the version in a tag. Use at most {MAX_VERSION} letters, digits, '.' and '_', not "
        "starting with '.', for example '2026.4'."
    )
