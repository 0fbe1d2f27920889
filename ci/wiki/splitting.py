"""Long pages in parts, since GitHub cuts Markdown of more than 512,000 bytes and is slow long before."""

import re
from collections.abc import Iterator, Sequence

MOST_BYTES = 300_000
"""Of a page."""
_FENCE = re.compile("`{3,}")
_HEADING = re.compile("#+ ")
_FOLD, _FOLD_END = "<details>", "</details>"


def split(lines: Sequence[str], most: int = MOST_BYTES) -> Sequence[Sequence[str]]:
    """Return lines in parts of at most so many bytes. What is open at a cut goes on behind it, headings repeated.

    A line that is longer than that, with what it is in, is a part of its own.
    """
    parts: list[list[str]] = [[]]
    size = 0
    context = _Context()
    for line in lines:
        length = len(line.encode()) + 1
        closing = context.closing
        # There is room for what closes a part. The line below a table's head stays with it, whatever it takes.
        if size and size + length + _size(closing) > most and line not in closing and not line.startswith("| ---"):
            parts[-1].extend(closing)
            parts.append(list(context.opening(line)))
            size = _size(parts[-1])
        parts[-1].append(line)
        size += length
        context.read(line)
    return parts


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


class _Context:
    """What is open where a page may be cut: headings, a table, a block of code, what is folded."""

    def __init__(self) -> None:
        self._headings: list[str] = []
        self._table: list[str] = []
        self._fence = self._fence_end = ""
        self._fold: list[str] | None = None

    def read(self, line: str) -> None:
        """Go on behind a line."""
        if self._fence:
            self._fence = "" if line == self._fence_end else self._fence
            return
        fence = _FENCE.match(line)
        if fence:
            self._fence, self._fence_end = line, fence[0]
        elif _HEADING.match(line):
            level = line.index(" ")
            self._headings = [one for one in self._headings if one.index(" ") < level] + [line]
        elif line == _FOLD:
            self._fold = []
        elif line == _FOLD_END:
            self._fold = None
        if self._fold is not None and len(self._fold) < 3:  # noqa: PLR2004 (the tag, its summary, an empty line)
            self._fold.append(line)
        if not line.startswith("|"):
            self._table = []
        elif len(self._table) < 2:  # noqa: PLR2004 (the head of a table, and the line below it)
            self._table.append(line)

    @property
    def closing(self) -> Sequence[str]:
        """What ends a part here."""
        return [*([self._fence_end] if self._fence else []), *(["", _FOLD_END] if self._fold is not None else [])]

    def opening(self, line: str) -> Iterator[str]:
        """Yield what begins the next part, before a line."""
        for heading in self._headings:
            yield from (heading, "")
        yield from self._fold or ()
        if self._fence:
            yield self._fence
        elif line.startswith("|"):
            yield from self._table
