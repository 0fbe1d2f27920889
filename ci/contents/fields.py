"""Paragraphs of lines `Name: value`, as in dpkg's status, Python's METADATA and R's DESCRIPTION."""

import re
from collections.abc import Iterator

from ci.contents.found import shown

_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


class Paragraph:
    """The fields of one paragraph. Names are compared without case; what is no field is passed over."""

    def __init__(self, text: str) -> None:
        # The lines of each value of each name: joined when asked for, since a value may have a million.
        self._lines: dict[str, list[list[str]]] = {}
        last: list[str] = []
        for line in text.split("\n"):
            field = _FIELD.match(line)
            if line[:1] in {" ", "\t"}:
                last.append(line.strip())
            elif field:
                last = [field[2].rstrip()]
                self._lines.setdefault(field[1].lower(), []).append(last)

    def value(self, name: str) -> str:
        """Return the value of a field, the first if there are several; empty if there is none."""
        return next(iter(self.values(name)), "")

    def values(self, name: str) -> list[str]:
        """Return all values of a field."""
        return ["\n".join(lines) for lines in self._lines.get(name.lower(), [])]

    def __bool__(self) -> bool:
        return bool(self._lines)


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Return the paragraphs of a file; blank lines part them."""
    for part in _BLANK.split(text):
        found = Paragraph(part)
        if found:
            yield found


def first_paragraph(text: str) -> Paragraph:
    """Return the first paragraph of a file: what follows in METADATA is the package's description."""
    return Paragraph(_BLANK.split(text.lstrip("\n"), maxsplit=1)[0])


def text_of(path: str, data: bytes, problems: list[str]) -> str:
    """Return a file as text, with line feeds only. Bytes that are not UTF-8 are a problem, and U+FFFD."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{shown(path)} is not UTF-8.")
        text = data.decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n")
