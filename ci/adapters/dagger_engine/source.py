"""A source tree in the engine, as a Tree: listed in one go; of its files, only the few that are read are fetched."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import dagger
from typing_extensions import override

from ci.adapters.dagger_engine.listing import MOST_BYTES, SCRIPT, Listing, read_listing, read_texts
from ci.adapters.dagger_engine.tools import fetched, tools_with
from ci.errors import ExternalError, SpecError, first_few
from ci.planning.git_questions import WorkTree
from ci.stack.links import Outside, resolve
from ci.stack.model import EntryKind, Tree

T = TypeVar("T")

_FETCH = "cd /source; base64 -d /paths | tar -cf /texts.tar --no-recursion --null --verbatim-files-from -T -"
# Each time, all is fetched that was found to be missing. What is read first says what is read next: once, as of now.
_MOST_FETCHES = 10


class SourceTree(Tree, WorkTree):
    """A Tree over a Directory of the engine, without its `.git`."""

    def __init__(self, source: dagger.Directory, listing: Listing) -> None:
        self._source = source
        self._listing = listing
        self._texts = dict(listing.texts)
        self._missing: set[str] = set()
        self._paths = tuple(path for path, kind in listing.entries.items() if self._is_readable(path, kind))

    @property
    @override
    def paths(self) -> Sequence[str]:
        return self._paths

    @property
    @override
    def entries(self) -> Mapping[str, EntryKind]:
        return self._listing.entries

    @property
    @override
    def git_file(self) -> str | None:
        return self._listing.git_file

    @property
    @override
    def repositories(self) -> Sequence[str]:
        return tuple(path.removesuffix("/.git") for path in self._listing.entries if path.endswith("/.git"))

    @override
    def read(self, path: str) -> str:
        target = resolve(path, self._listing.links)
        if isinstance(target, Outside):
            link = "" if target.link == path else f"{target.link}, "
            advice = "Replace it by the file itself, or by a link within the tree."
            raise SpecError([f"{path} is {link}a link to {target.target}, outside of the source tree. {advice}"])
        if target is None:
            raise KeyError(path)  # it is none of `paths`
        size = self._listing.sizes[target]
        if size > MOST_BYTES:
            raise SpecError([f"{path} has {size} bytes. A file that a stack is read from may have {MOST_BYTES}."])
        if target not in self._texts:
            self._missing.add(target)
        return self._texts.get(target, "")

    @override
    def digest(self, path: str) -> str:
        target = self._listing.links.get(path)
        return (
            self._listing.digests[path]
            if target is None
            else hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()
        )

    @override
    def content(self, path: str) -> tuple[str, int] | None:
        digest = self._listing.digests.get(path)
        return None if digest is None else (digest, self._listing.sizes[path])

    async def read_by(self, reader: Callable[[Tree], T]) -> T:
        """Return what a function makes of this tree. It is called again for as long as it reads what is not here yet.

        Raises what it raises, and ExternalError.
        """
        for _ in range(_MOST_FETCHES):
            try:
                result = reader(self)
            except SpecError:
                if not self._missing:
                    raise
            else:
                if not self._missing:
                    return result
            await self._fetch()
        raise ExternalError(
            f"The source tree was read {_MOST_FETCHES} times, each time with further files: report this."
        )

    async def _fetch(self) -> None:
        """Fetch what `read` did not have."""
        paths = "".join(f"./{path}\0" for path in sorted(self._missing)).encode("utf-8", "surrogateescape")
        container = tools_with(self._source).with_new_file("/paths", base64.b64encode(paths).decode())
        what = f"read {first_few(sorted(self._missing))} of the source tree"
        async with fetched(container.with_exec(["sh", "-c", _FETCH]), "/texts.tar", what) as path:
            self._texts |= read_texts(path)
        self._missing.clear()

    def _is_readable(self, path: str, kind: EntryKind) -> bool:
        """Return whether a path is a file or leads to one. A link out of the tree might; reading it is an error."""
        if kind is not EntryKind.LINK:
            return kind is not EntryKind.FOLDER
        target = resolve(path, self._listing.links)
        return isinstance(target, Outside) or target in self._listing.sizes


async def list_tree(source: dagger.Directory) -> SourceTree:
    """List a Directory. The engine keeps the listing for as long as the tree does not change. Raises ExternalError."""
    container = tools_with(source).with_exec(["sh", "-c", SCRIPT])
    async with fetched(container, "/listing.tar", "list the source tree") as path:
        return SourceTree(source, read_listing(path))
