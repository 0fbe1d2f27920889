"""Texts of images as parts of a line on a terminal."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from ci.texts import printable, shorten


def one_line(text: str, most: int = 200) -> str:
    """Return a text without line breaks, control characters and what is more than so many characters."""
    return shorten(" ".join(printable(text).split()), most)


def wrapped(parts: Iterable[str], width: int = 112) -> Sequence[str]:
    """Return texts, separated by commas, as lines of at most so many characters; no text is divided."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 2 < width:
            lines[-1] += f", {part}"
        else:
            if lines:
                lines[-1] += ","
            lines.append(part)
    return lines


def columns(rows: Iterable[Sequence[str]]) -> Sequence[str]:
    """Return rows of texts as indented lines with aligned columns."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    text = tabulate(cells, tablefmt="plain", disable_numparse=True)
    return [f"    {line}".rstrip() for line in text.splitlines()]
