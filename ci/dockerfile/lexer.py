"""Where the parts of an instruction stand in the text, so that one can be changed and the rest stay as it is.

The official parser says what an instruction means, but not where its flags and words stand. This follows its rules for
joining continued lines and for cutting a line into flags and words, and keeps the places.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

ESCAPE = "\\"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~^-]+")
_SPECIAL_IN_QUOTES = re.compile(r'["\\$]')
_SPECIAL_IN_FLAG = re.compile(r"[\s'\"\\]")


def quote(value: str) -> str:
    """Return `value` as a word of ARG or ENV that expands to it. It must hold no line break."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + _SPECIAL_IN_QUOTES.sub(r"\\\g<0>", value) + '"'


def escape_word(value: str) -> str:
    """Return `value` as a word without blanks of COPY or a mount that expands to it; its blanks stay as they are."""
    return re.sub(r"['\"\\$]", r"\\\g<0>", value)


def escape_flag(text: str) -> str:
    """Return a whole flag so that blanks and quotes within it do not end or change it."""
    return _SPECIAL_IN_FLAG.sub(r"\\\g<0>", text)


_CONTINUED = re.compile(r"([^\\])\\[ \t]*\Z|^\\[ \t]*\Z")
# What separates words: the parser leaves out the line feed, which cannot stand in a joined line.
_BLANKS = "\t\v\f\r "


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction as one line: continuations joined, comments and blank lines within it left out."""

    raw: str
    text: str
    offsets: tuple[int, ...]
    """For each character of `text` its place in `raw`."""
    height: int
    """Lines of `raw` that were joined; those after them are the bodies of heredocs."""
    ended: bool
    """Whether the last of the joined lines ends the instruction. It does not where the file ends too early."""

    @property
    def spoken(self) -> str:
        """The text with one blank where lines were joined, without their indentation."""
        parts: list[str] = []
        begin = 0
        for place in range(1, len(self.text) + 1):
            if place == len(self.text) or self.offsets[place] != self.offsets[place - 1] + 1:
                parts.append(self.text[begin:place].strip())
                begin = place
        return " ".join(part for part in parts if part)

    def replace(self, changes: Sequence[tuple["Token", str]]) -> str:
        """Return `raw` with new texts in the places of tokens, which must not overlap."""
        text = self.raw
        for token, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
            start = self.offsets[token.start]
            end = self.offsets[token.end - 1] + 1
            text = text[:start] + new + text[end:]
        return text


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a line: its text, and its place `start` to `end` in the joined line.

    The text of a flag is free of quotes and escapes, as the parser gives it; other words are as they were written.
    """

    text: str
    start: int
    end: int


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """A logical line split into its keyword, its flags and all text after them."""

    keyword: Token
    flags: tuple[Token, ...]
    rest: Token

    @property
    def words(self) -> tuple[Token, ...]:
        """The rest split at every blank, quoted or not: the sources of COPY and the words of FROM."""
        return _split_rest(self.rest, lambda text, place: _find(text, place, _BLANKS))

    @property
    def quoted_words(self) -> tuple[Token, ...]:
        """The rest split at blanks outside quotes: the pairs of ARG and ENV. The words keep their quotes."""
        return _split_rest(self.rest, _end_of_quoted_word)


def join(raw: str) -> Line:
    """Join the physical lines that one instruction begins with."""
    text: list[str] = []
    offsets: list[int] = []
    place = 0
    lines = raw.split("\n")
    for number, physical in enumerate(lines, start=1):
        content = physical.rstrip("\r")
        begin = len(content) - len(content.lstrip()) if number == 1 else 0
        blank = not content.strip() or (content.lstrip().startswith("#") and number > 1)
        match = _CONTINUED.search(content)
        if not blank or number == 1:
            end = len(content) if match is None else match.start() + len(match[1] or "")
            text.append(content[begin:end])
            offsets.extend(range(place + begin, place + end))
        place += len(physical) + 1
        if match is None and (not blank or number == 1):
            return Line(raw=raw, text="".join(text), offsets=tuple(offsets), height=number, ended=True)
    return Line(raw=raw, text="".join(text), offsets=tuple(offsets), height=len(lines), ended=False)


def ended(raw: str) -> str:
    """Return an instruction that a next one may follow: one that its file cuts off in a continued line is closed."""
    line = join(raw)
    return raw if line.ended else line.text.rstrip(f"{_BLANKS}{ESCAPE}")


def split(text: str) -> Tokens:
    """Split a logical line into tokens."""
    text = text.rstrip()
    start = _skip(text, 0)
    end = _find(text, start, _BLANKS)
    keyword = Token(text=text[start:end], start=start, end=end)
    flags: list[Token] = []
    place = _skip(text, end)
    while text.startswith("--", place):
        flag = _flag(text, place)
        place = flag.end
        if flag.text == "--":
            break
        flags.append(flag)
        place = _skip(text, place)
    place = _skip(text, place)
    rest = Token(text=text[place:], start=place, end=len(text))
    return Tokens(keyword=keyword, flags=tuple(flags), rest=rest)


def _split_rest(rest: Token, end_of_word: Callable[[str, int], int]) -> tuple[Token, ...]:
    found: list[Token] = []
    place = _skip(rest.text, 0)
    while place < len(rest.text):
        end = end_of_word(rest.text, place)
        found.append(Token(text=rest.text[place:end], start=rest.start + place, end=rest.start + end))
        place = _skip(rest.text, end)
    return tuple(found)


def _flag(text: str, start: int) -> Token:
    word: list[str] = []
    quote = ""
    place = start
    while place < len(text) and (quote or not text[place].isspace()):
        char = text[place]
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == ESCAPE:
            place += 1
            word.append(text[place : place + 1])
        else:
            word.append(char)
        place += 1
    return Token(text="".join(word), start=start, end=min(place, len(text)))


def _end_of_quoted_word(text: str, place: int) -> int:
    quote = ""
    while place < len(text) and (quote or not text[place].isspace()):
        char = text[place]
        if char == quote:
            quote = ""
        elif char == ESCAPE and quote != "'":
            place += 1
        elif not quote and char in "'\"":
            quote = char
        place += 1
    return min(place, len(text))


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _find(text: str, place: int, chars: str) -> int:
    while place < len(text) and text[place] not in chars:
        place += 1
    return place
