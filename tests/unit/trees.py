"""Source trees in memory."""

import hashlib
import posixpath
from collections.abc import Mapping, Sequence

from ci.stack.model import EntryKind


class MemoryTree:
    """A Tree made of texts by path. `kinds` are the entries that are not plain files. A link's text is its target."""

    def __init__(self, files: Mapping[str, str], kinds: Mapping[str, EntryKind] | None = None) -> None:
        self._files = files
        found = {**dict.fromkeys(files, EntryKind.FILE), **(kinds or {})}
        for path in tuple(found):
            while path := posixpath.dirname(path):
                found.setdefault(path, EntryKind.FOLDER)
        self._entries = dict(sorted(found.items()))

    @property
    def paths(self) -> Sequence[str]:
        return sorted(self._files)

    @property
    def entries(self) -> Mapping[str, EntryKind]:
        return self._entries

    def read(self, path: str) -> str:
        return self._files[path]

    def digest(self, path: str) -> str:
        return hashlib.sha256(self._files[path].encode()).hexdigest()


def dockerfiles(**images: str) -> MemoryTree:
    """Return a tree of images. Underscores in the names become hyphens."""
    return MemoryTree({f"images/{name.replace('_', '-')}/Dockerfile": text for name, text in images.items()})
