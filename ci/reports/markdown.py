"""GitHub's Markdown, made so that no text of an image or a test can become a link, a picture, HTML or a mention.

Such texts are code: GitHub looks for nothing in it. Escaping would not do: it links addresses and mentions after it has
read the escapes.
"""

import re
from collections.abc import Iterable, Sequence

from ci.texts import printable, shorten

MOST_BYTES = 1_000_000
"""Of a summary: GitHub takes 1 MiB for each step, and drops all of one that is larger."""
_CELL_SHOWN = 500
_TICKS = re.compile("`+")


def code(text: str, most: int = _CELL_SHOWN) -> str:
    """Return a text as a code span that may stand in a cell; nothing for an empty text."""
    shown = shorten(" ".join(printable(text).split()), most)
    if not shown:
        return ""
    ticks = "`" * (_longest_ticks(shown) + 1)
    space = " " if "`" in (shown[0], shown[-1]) else ""
    # Tables are divided before code is looked for, so a bar has to be escaped in it, and a backslash before it ends it.
    return f"{ticks}{space}{_in_cell(shown)}{space}{ticks}"


def _in_cell(text: str) -> str:
    return text.replace("\\|", "\\ |").replace("|", "\\|")


def fence(lines: Sequence[str]) -> str:
    """Return lines as a block of code."""
    ticks = "`" * max([3, *(_longest_ticks(line) + 1 for line in lines)])
    return "\n".join([ticks, *lines, ticks])


def _longest_ticks(text: str) -> int:
    return max((len(found) for found in _TICKS.findall(text)), default=0)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Sequence[str]:
    """Return the lines of a table. The cells are Markdown already; headers with a colon at their end are numbers."""
    marks = ["---:" if header.endswith(":") else "---" for header in headers]
    head = [f"| {' | '.join(header.removesuffix(':') for header in headers)} |", f"| {' | '.join(marks)} |"]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows)]


def bounded(lines: Iterable[str], most: int = MOST_BYTES) -> str:
    """Return lines as a text of at most so many bytes, cut between two lines, with a line that says so."""
    ending = (
        "\n**The rest is left out: a summary of GitHub has at most 1 MiB. All is in `report.html` of the report.**\n"
    )
    room = most - len(ending.encode())
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > room:
            return "\n".join([*kept, ending])
        kept.append(line)
    return "\n".join([*kept, ""])
