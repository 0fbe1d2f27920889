"""Source trees in memory."""

from collections.abc import Mapping, Sequence


class MemoryTree:
    """A Tree made of texts by path."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    @property
    def paths(self) -> Sequence[str]:
        return sorted(self._files)

    def read(self, path: str) -> str:
        return self._files[path]


def dockerfiles(**images: str) -> MemoryTree:
    """Return a tree of images; underscores in the names stand for hyphens."""
    return MemoryTree({f"images/{name.replace('_', '-')}/Dockerfile": text for name, text in images.items()})
