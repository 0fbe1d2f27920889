"""Texts of other programs made fit to be shown: no colours of a terminal, no control characters, bounded lines."""

import re
from collections.abc import Sequence

LONGEST_LINE = 2000
"""Characters of one line that are shown."""
LAST_LINES = 30
"""How many lines are shown of a failed command's output; the report has all."""

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
# Control characters but tab and line break, the overrides of text direction, and what is no character: surrogates.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return a text without ANSI sequences and control characters; tabs and line breaks stay."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return _UNPRINTABLE.sub("", text)


def shorten(text: str, most: int) -> str:
    """Return a text of at most so many characters, with an ellipsis for what is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def last_lines(text: str, most: int = LAST_LINES) -> tuple[Sequence[str], int]:
    """Return the last lines of an output, each made printable and cut, and how many there are before them.

    Of what a terminal would overwrite in place (a carriage return in a line), only the last state is shown.
    """
    lines = text.rstrip().split("\n") if text.strip() else []
    shown = [shorten(printable(line.rstrip("\r").rpartition("\r")[2]), LONGEST_LINE) for line in lines[-most:]]
    return shown, len(lines) - len(shown)
