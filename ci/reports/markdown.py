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
_NO_BREAK = "\N{NO-BREAK SPACE}"
_TICKS = re.compile("`+")
_FOLD, _FOLD_END = "<details>", "</details>"


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
    """Return the lines of a table. The cells are Markdown already; headers with a colon at their end are numbers.

    A number is not separated from its unit where the table is narrow.
    """
    are_numbers = [header.endswith(":") for header in headers]
    marks = ["---:" if is_number else "---" for is_number in are_numbers]
    head = [f"| {' | '.join(header.removesuffix(':') for header in headers)} |", f"| {' | '.join(marks)} |"]
    lines = (
        [cell.replace(" ", _NO_BREAK) if is_number else cell for cell, is_number in zip(row, are_numbers, strict=True)]
        for row in rows
    )
    return [*head, *(f"| {' | '.join(line)} |" for line in lines)]


def filled_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the lines of a table without the columns in which every cell is empty; the first stays."""
    kept = [column for column in range(len(headers)) if column == 0 or any(row[column] for row in rows)]
    return table([headers[column] for column in kept], [[row[column] for column in kept] for row in rows])


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


def fold(summary: str, lines: Iterable[str]) -> Sequence[str]:
    """Return lines that are shown when the summary is clicked. GitHub reads Markdown in it after an empty line."""
    return [_FOLD, f"<summary>{summary}</summary>", "", *lines, "", _FOLD_END, ""]


def cut(lines: Iterable[str], most: int, rest: str) -> str:
    """Return lines as a text of at most so many bytes, and so characters, cut between two lines.

    What is left out is said in a last line, `… and 212 more: {rest}`, which counts rows of tables.
    """
    every = list(lines)
    whole = "\n".join([*every, ""])
    if len(whole.encode()) <= most:
        return whole
    kept: list[str] = []
    # Room for the longest last line, with the end of a fold before it.
    room = most - len(_ending(len(every), rest, is_open=True).encode())
    for line in every:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    left_out = _rows(every) - _rows(kept)
    is_open = kept.count(_FOLD) > kept.count(_FOLD_END)
    return "\n".join(kept) + _ending(left_out, rest, is_open=is_open)


def _rows(lines: Sequence[str]) -> int:
    """Return how many lines are rows of tables, without the two of each head."""
    return sum(line.startswith("| ") for line in lines) - 2 * sum(line.startswith("| ---") for line in lines)


def _ending(left_out: int, rest: str, *, is_open: bool) -> str:
    return "\n\n" + (f"{_FOLD_END}\n\n" if is_open else "") + f"… and {left_out} more: {rest}\n"
