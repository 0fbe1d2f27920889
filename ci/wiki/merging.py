"""What is to be done with the files of a wiki so that it has our pages and keeps those of people."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ci.wiki.names import folded
from ci.wiki.pages import BEGIN, END, MARK, SHARED
from ci.wiki.repository import WikiChange

_EXTENSION = ".md"
# What GitHub shows as a page.
_MARKUP = {
    ".asc", ".asciidoc", ".adoc", ".creole", ".markdown", ".md", ".mdown", ".mediawiki", ".mkd", ".mkdn", ".org",
    ".pod", ".rdoc", ".rest", ".rst", ".textile", ".wiki",
}  # fmt: skip
_OURS = MARK.encode()
_BEGIN, _END = BEGIN.encode(), END.encode()


class _Merged(NamedTuple):
    """The bytes of a file, or a sentence on why it is not written."""

    path: str
    content: bytes | None = None
    refused: str = ""


def merge_pages(existing: Mapping[str, bytes], pages: Mapping[str, str]) -> WikiChange:
    """Return what changes in a tree of files to have the pages, which are by name.

    A file that begins with our mark and is not among the pages is removed. Of a shared page, all that is outside of the
    marks stays byte for byte; without marks, our part comes to its end. A page of a person that has the name of one of
    ours is not touched: that is refused with a sentence.
    """
    by_page: dict[str, list[str]] = {}
    for path in existing:
        stem, extension = posixpath.splitext(posixpath.basename(path))
        if extension.lower() in _MARKUP:
            by_page.setdefault(folded(stem), []).append(path)
    merged = [_merged(name, text, existing, by_page.get(folded(name), ())) for name, text in pages.items()]
    kept = {one.path for one in merged}
    written = {one.path: one.content for one in merged if one.content is not None}
    return WikiChange(
        written={path: content for path, content in written.items() if existing.get(path) != content},
        removed=tuple(sorted(path for path, content in existing.items() if _is_ours(content) and path not in kept)),
        refused=tuple(one.refused for one in merged if one.refused),
    )


def _merged(name: str, text: str, existing: Mapping[str, bytes], paths: Sequence[str]) -> _Merged:
    own = f"{name}{_EXTENSION}"
    if name not in SHARED:
        inside = [path for path in existing if path.startswith(f"{own}/")]
        foreign = [*(path for path in paths if not _is_ours(existing[path])), *inside]
        return _Merged(own, refused=_in_the_way(foreign, name)) if foreign else _Merged(own, text.encode())
    if not paths:
        return _Merged(own, text.encode())
    if len(paths) > 1 or not paths[0].lower().endswith(_EXTENSION):
        return _Merged(own, refused=_in_the_way(paths, name, f"Only one page, {own}, can have our part. "))
    return _with_region(paths[0], existing[paths[0]], text.encode())


def _with_region(path: str, content: bytes, region: bytes) -> _Merged:
    """Put our part between the marks of a page, or at its end."""
    begins, ends = content.count(_BEGIN), content.count(_END)
    if not begins and not ends:
        separator = b"" if not content or content.endswith(b"\n\n") else b"\n" if content.endswith(b"\n") else b"\n\n"
        return _Merged(path, content + separator + region)
    first, last = content.find(_BEGIN), content.find(_END)
    if (begins, ends) != (1, 1) or last < first:
        return _Merged(
            path,
            refused=f"{path} was not written: it needs {BEGIN} once and {END} once behind it, with our part between "
            "them. Correct the marks, or remove them all.",
        )
    return _Merged(path, content[:first] + region.removesuffix(b"\n") + content[last + len(_END) :])


def _in_the_way(paths: Sequence[str], name: str, why: str = "") -> str:
    return (
        f"{name} was not written, since people wrote {', '.join(sorted(paths))}. {why}Rename or remove what is there."
    )


def _is_ours(content: bytes) -> bool:
    return content.startswith(_OURS)
