"""A wiki as the rest of the code sees it: a tree of files at a head, and changes that are pushed on top of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec


class WikiHead(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of the wiki's default branch, with its files by path; the content of a link is what it points to."""

    branch: str
    commit: str
    files: Mapping[str, bytes]


class WikiChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with the files of a wiki. Files that are written have other bytes than before."""

    written: Mapping[str, bytes] = {}
    removed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Sentences: pages that are not written, because a person's page has their name."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self.written and not self.removed


class PushResult(StrEnum):
    """How a push ended. MOVED: somebody else pushed since the head was read, so nothing was written."""

    PUSHED = "pushed"
    MOVED = "moved"


class WikiRepository(Protocol):
    """The git repository of a wiki. Both raise ExternalError with a sentence for every failure but MOVED."""

    async def read(self) -> WikiHead:
        """Return the head of the default branch as it is now."""

    async def push(self, head: WikiHead, change: WikiChange, message: str) -> PushResult:
        """Commit a change on top of a head, and push it without force."""
