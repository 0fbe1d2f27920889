"""The listing of a source tree: made in a container by `SCRIPT`, read here.

The whole tree is never copied out of the engine: an export of many files stands still now and then (dagger#6355,
buildkit#2950: in half of the runs on 18,700 files), and nothing needs it. The listing comes as one file, a tar.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ci.errors import ExternalError
from ci.stack.model import EntryKind

MOST_BYTES = 1 << 20
"""The most that a file may have that is read, such as a Dockerfile."""

# Entries, with kind, mode, size, path and a link's target; digests, as many files at once as there are cores, each
# process with an output of its own, since outputs could mix; and the texts that most stacks are read from.
SCRIPT = f"""\
set -eu
mkdir /listing
cd /source
find . -mindepth 1 '(' -type f -o -type d -o -type l ')' -printf '%y\\0%m\\0%s\\0%P\\0%l\\0' \\
    -path ./.git -prune >/listing/entries
find . -path ./.git -prune -o -type f -print0 |
    xargs -0 -r -n 200 -P "$(nproc)" sh -c 'sha256sum -z -- "$@" >"$(mktemp /listing/part.XXXXXXXX)"' sha256sum
find /listing -name 'part.*' -exec cat {{}} + >/listing/digests
find . -path ./.git ! -type f -prune -o -type f -size -{MOST_BYTES + 1}c '(' \\
    -name 'Dockerfile*' -o -name '*.Dockerfile' -o -name 'Containerfile*' -o -name '*.dockerignore' -o \\
    -name stack.toml -o -path ./.git ')' -print0 >/listing/texts
cd /listing
tar -cf /listing.tar entries digests -C /source --no-recursion --null --verbatim-files-from -T /listing/texts
"""
_FIELDS = 5
_GIT = ".git"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A source tree without its `.git`: what each path is, and what is in it."""

    entries: Mapping[str, EntryKind]
    """Sorted by path."""
    digests: Mapping[str, str]
    """The SHA-256 of each file's bytes."""
    sizes: Mapping[str, int]
    """The bytes of each file."""
    links: Mapping[str, str]
    """The target of each link."""
    texts: Mapping[str, str]
    """What is in the files that are often read."""
    git_file: str | None
    """The text of `.git` if it is a file; empty if it is something else, None if there is none."""


def read_listing(path: Path) -> Listing:
    """Read the tar that `SCRIPT` made. Raises ExternalError if it is not whole."""
    with _open(path) as archive:
        rows = _fields(archive, "entries")
        columns = [rows[start::_FIELDS] for start in range(_FIELDS)]
        digests = dict(_digests(_fields(archive, "digests")))
    texts = read_texts(path)
    found = sorted(zip(columns[3], columns[0], columns[1], columns[2], columns[4], strict=True))
    git = [kind for name, kind, *_ in found if name == _GIT]
    git_file = texts.pop(_GIT, "") if git else None
    found = [row for row in found if row[0] != _GIT]
    files = {name: int(size) for name, kind, _, size, _ in found if kind == "f"}
    if files.keys() != digests.keys():
        raise ExternalError("The engine's listing of the source tree is not whole. Run the same command again.")
    return Listing(
        entries={name: _kind(kind, mode) for name, kind, mode, _, _ in found},
        digests=digests,
        sizes=files,
        links={name: target for name, kind, _, _, target in found if kind == "l"},
        texts=texts,
        git_file=git_file,
    )


def read_texts(path: Path) -> dict[str, str]:
    """Return the texts of the files of the tree in a tar. Bytes that are not UTF-8 become U+FFFD."""
    found = {}
    with _open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.startswith("./") else None
            if file is not None:
                found[member.name.removeprefix("./")] = file.read().decode("utf-8", errors="replace")
    return found


def _open(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, encoding="utf-8", errors="surrogateescape")


def _fields(archive: tarfile.TarFile, name: str) -> Sequence[str]:
    """Return the texts of a file that end with NUL."""
    file = archive.extractfile(name)
    return file.read().decode("utf-8", "surrogateescape").split("\0")[:-1] if file else ()


def _digests(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read lines of sha256sum: a digest, two blanks, and a path that begins with `./`."""
    for line in lines:
        digest, _, name = line.partition("  ./")
        yield name, digest


def _kind(kind: str, mode: str) -> EntryKind:
    match kind:
        case "d":
            return EntryKind.FOLDER
        case "l":
            return EntryKind.LINK
        case _:
            # Of the owner, as an executable bit is in git.
            return EntryKind.PROGRAM if int(mode, 8) & 0o100 else EntryKind.FILE
