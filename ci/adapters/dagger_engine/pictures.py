"""Fetches pictures that tests left for the report."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import dagger

from ci.adapters.dagger_engine.limits import within_limit
from ci.errors import ExternalError

_LIMIT = 60.0
"""Seconds for one call: a report must not wait long for a picture."""


async def read_pictures(
    folders: Mapping[str, dagger.Directory], wanted: Sequence[str], *, most: int, largest: int
) -> Mapping[str, bytes]:
    """Return those of the wanted pictures that are there, by their paths in the report.

    `folders` are the folders of the report's `logs` by their names there. Only the first `most` pictures of at most
    `largest` bytes are read; the others are empty, and so is one that cannot be read.
    """
    found: dict[str, bytes] = {}
    read = 0
    async for path, file in _existing(folders, frozenset(wanted)):
        found[path] = b""
        if read < most:
            try:
                if await within_limit(f"measure {path}", file.size(), _LIMIT) <= largest:
                    found[path] = await _content(file, path)
                    read += 1
            except ExternalError:
                continue
    return found


async def _existing(
    folders: Mapping[str, dagger.Directory], wanted: frozenset[str]
) -> AsyncIterator[tuple[str, dagger.File]]:
    for name, folder in folders.items():
        if not any(path.startswith(f"logs/{name}/") for path in wanted):
            continue
        try:
            entries = await within_limit(f"list the pictures of {name}", folder.glob("**/*.png"), _LIMIT)
        except ExternalError:
            continue
        for entry in entries:
            if f"logs/{name}/{entry}" in wanted:
                yield f"logs/{name}/{entry}", folder.file(entry)


async def _content(file: dagger.File, path: str) -> bytes:
    # `File.contents` is for texts.
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "picture"
        await within_limit(f"fetch {path}", file.export(str(local)), _LIMIT)
        return local.read_bytes()
