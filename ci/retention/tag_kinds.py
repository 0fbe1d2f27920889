"""What a tag in an image's repository is for, read from its name."""

import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from ci.errors import RequestError
from ci.registry_format import (
    CACHE_TAG_PREFIX,
    HISTORY_SUFFIX,
    REFERRERS_TAG_PREFIX,
    STABLE_SUFFIX,
    STACKS_SUFFIX,
    STAGING_TAG_PREFIX,
)
from ci.stack.stack_tag import StackTag

# Exactly as they are written: whatever else begins so is somebody else's.
_HEX = {
    CACHE_TAG_PREFIX: re.compile(r"[0-9a-f]{16}"),
    STAGING_TAG_PREFIX: re.compile(r"[0-9a-f]{64}"),
    REFERRERS_TAG_PREFIX: re.compile(r"[0-9a-f]{64}"),
}


class TagKind(Enum):
    """The kinds that matter here. Tags of any other kind stay, and what they point to."""

    CACHE = auto()
    STAGING = auto()
    REFERRERS = auto()
    STACK = auto()
    """Looks like the tag of a stack. Whether it is one, only a run record says."""
    STABLE = auto()
    HISTORY = auto()
    STACK_LIST = auto()
    OTHER = auto()


class ReadTag(NamedTuple):
    """A tag, read. `stack` is the tag of the whole stack, without the image's prefix, for the kind STACK."""

    kind: TagKind
    stack: StackTag | None = None


_SUFFIXES = {
    HISTORY_SUFFIX: TagKind.HISTORY,
    STACKS_SUFFIX: TagKind.STACK_LIST,
    STABLE_SUFFIX: TagKind.STABLE,
}
_PREFIXES = {
    CACHE_TAG_PREFIX: TagKind.CACHE,
    STAGING_TAG_PREFIX: TagKind.STAGING,
    REFERRERS_TAG_PREFIX: TagKind.REFERRERS,
}


def read_tag_name(tag: str, prefixes: Iterable[str] = ("",)) -> ReadTag:
    """Return what a tag is for. `prefixes` are those of the images that share its repository."""
    for prefix, kind in _PREFIXES.items():
        if tag.startswith(prefix):
            return ReadTag(kind if _HEX[prefix].fullmatch(tag.removeprefix(prefix)) else TagKind.OTHER)
    for suffix, kind in _SUFFIXES.items():
        if tag.endswith(suffix):
            return ReadTag(kind)
    for prefix in sorted(prefixes, key=len, reverse=True):
        stack = _stack_tag(tag.removeprefix(prefix)) if tag.startswith(prefix) else None
        if stack is not None:
            return ReadTag(TagKind.STACK, stack)
    return ReadTag(TagKind.OTHER)


def subject_of(tag: str) -> str:
    """Return the digest of the image whose referrers a tag of the kind REFERRERS lists."""
    return tag.replace("-", ":", 1)


def _stack_tag(text: str) -> StackTag | None:
    try:
        return StackTag.parse(text)
    except RequestError:
        return None
