"""Differences that git found, without those that only a filter of git-lfs would remove.

The filter replaces a file's bytes by a pointer, a text with their digest, before git compares them. It is a program
that need not be here, and no filter is run (`ci.planning.git_questions`). So git reports each file whose bytes are in
the work tree; one whose committed pointer has the digest of just these bytes has not changed.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from ci.planning.git_questions import LFS, Conversation, GitCommand, GitResult, WorkTree

_REGULAR = "100"
# Of git's two kinds of ids. An object's id is the hash of its kind, size and bytes.
_HASHES = {40: "sha1", 64: "sha256"}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A path of a repository that differs from a commit: its mode and object there, and its mode now."""

    path: str
    mode: str
    object: str
    new_mode: str


def read_diff(result: GitResult) -> tuple[Difference, ...]:
    """Return what `git diff --raw -z` printed. Raises GitError."""
    # `:MODE NEW_MODE OBJECT NEW_OBJECT STATUS`, and after it the path: one, as renames are not looked for.
    fields = result.checked.decode("utf-8", "surrogateescape").split("\0")
    return tuple(
        Difference(path=path, mode=mode.removeprefix(":"), object=old, new_mode=new_mode)
        for head, path in zip(fields[::2], fields[1::2], strict=False)
        for mode, new_mode, old, _, _ in [head.split(" ")]
    )


def without_lfs(folder: str, differences: Sequence[Difference], tree: WorkTree) -> Conversation[frozenset[str]]:
    """Return the paths that differ from a commit in the work tree of the repository in `folder`, in its own terms."""
    paths = frozenset(one.path for one in differences)
    same = [
        one.path
        for one in differences
        if _is_pointer(one, tree.content(f"{folder}/{one.path}" if folder else one.path))
    ]
    if not same:
        return paths
    asked = GitCommand(
        words=("check-attr", "-z", "--stdin", "filter"),
        folder=folder,
        stdin="".join(f"{path}\0" for path in same).encode("utf-8", "surrogateescape"),
    )
    (answer,) = yield [asked]
    fields = answer.checked.decode("utf-8", "surrogateescape").split("\0")
    return paths - _with_value(fields[::3], fields[2::3], LFS)


def _is_pointer(one: Difference, content: tuple[str, int] | None) -> bool:
    """Return whether the commit has the pointer to a file's content, and the same mode."""
    if content is None or one.mode != one.new_mode or not one.mode.startswith(_REGULAR):
        return False
    digest, size = content
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n".encode()
    name = _HASHES.get(len(one.object))
    return name is not None and hashlib.new(name, b"blob %d\0" % len(pointer) + pointer).hexdigest() == one.object


def _with_value(paths: Iterable[str], values: Iterable[str], value: str) -> frozenset[str]:
    return frozenset(path for path, found in zip(paths, values, strict=False) if found == value)
