"""Source trees on this machine's disk: what a listing from the engine is compared with."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from ci.stack.model import EntryKind, Tree

_GIT_FOLDER = ".git"


class FolderTree(Tree):
    """A Tree over a folder on disk, without its `.git`. Links to folders are not followed, so none can leave it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = dict(sorted(_entries(root, "")))
        self._paths = tuple(
            path
            for path, kind in self._entries.items()
            if kind in (EntryKind.FILE, EntryKind.PROGRAM) or (kind is EntryKind.LINK and (root / path).is_file())
        )

    @property
    @override
    def paths(self) -> Sequence[str]:
        return self._paths

    @property
    @override
    def entries(self) -> Mapping[str, EntryKind]:
        return self._entries

    @override
    def read(self, path: str) -> str:
        return (self.root / path).read_bytes().decode("utf-8", errors="replace")

    @override
    def digest(self, path: str) -> str:
        if self._entries[path] is EntryKind.LINK:
            return hashlib.sha256(os.fsencode((self.root / path).readlink())).hexdigest()
        with (self.root / path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _entries(root: Path, folder: str) -> Iterator[tuple[str, EntryKind]]:
    with os.scandir(root / folder) as found:
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path == _GIT_FOLDER:
                continue
            if entry.is_symlink():
                yield path, EntryKind.LINK
            elif entry.is_dir():
                yield path, EntryKind.FOLDER
                yield from _entries(root, path)
            elif entry.is_file():
                is_program = entry.stat().st_mode & stat.S_IXUSR
                yield path, EntryKind.PROGRAM if is_program else EntryKind.FILE
