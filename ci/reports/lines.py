"""Texts of images as parts of a line on a terminal."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from ci.texts import printable, shorten


def one_line(text: str, most: int = 200) -> str:
    """Return a text without line breaks, control characters and what is more than so many characters."""
    return shorten(" ".join(printable(text).split()), most)


def columns(rows: Iterable[Sequence[str]]) -> Sequence[str]:
    """Return rows of texts as indented lines with aligned columns."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    text = tabulate(cells, tablefmt="plain", disable_numparse=True)
    return [f"    {line}".rstrip() for line in text.splitlines()]
