"""Paths of a source tree."""

import posixpath


def inside(folder: str, path: str) -> str:
    """Join and normalize two paths of the tree: empty for the root, with a leading `..` for a path outside the tree."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def is_outside(path: str) -> bool:
    """Return whether a normalized path leads out of the tree."""
    return path == ".." or path.startswith(("../", "/"))
