"""A source tree that lives in the engine, brought to the function's own disk for reading."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import dagger

from ci.adapters.engine.faults import clean
from ci.errors import ExternalError


class FolderTree:
    """A Tree over a folder on disk. Links to folders are not followed, so that a link cannot lead out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths = tuple(
            sorted(
                (Path(folder) / name).relative_to(root).as_posix()
                for folder, _, names in os.walk(root)
                for name in names
            )
        )

    @property
    def paths(self) -> Sequence[str]:
        """Every file of the tree, sorted."""
        return self._paths

    def read(self, path: str) -> str:
        """Return the text of one file; undecodable bytes come as U+FFFD."""
        return (self._root / path).read_bytes().decode("utf-8", errors="replace")


async def fetch_tree(source: dagger.Directory) -> FolderTree:
    """Export a Directory into a fresh folder of this container and return it as a Tree.

    Raises ExternalError when the engine cannot hand it over.
    """
    root = Path(tempfile.mkdtemp(prefix="source-"))
    try:
        await source.export(str(root))
    except dagger.QueryError as error:
        raise ExternalError(f"The source tree cannot be read from the engine: {clean(str(error))}") from error
    return FolderTree(root)
