"""The tokens of an instruction and their positions, so that one can be changed and all other text stays as it is.

The official parser says what an instruction means, but not where its flags and words are in the text. This module
follows its rules for joining continued lines and for splitting a line into flags and words, and keeps the positions.
`Instruction.logical_line` and `Instruction.tokens` hold the result, so that each instruction is lexed once.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

ESCAPE = "\\"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~^-]+")
_SPECIAL_IN_QUOTES = re.compile(r'["\\$]')
_SPECIAL_IN_FLAG = re.compile(r"[\s'\"\\]")


def quote(value: str) -> str:
    """Return `value` quoted so that an ARG or ENV expands it to itself. It must not contain a line break."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + _SPECIAL_IN_QUOTES.sub(r"\\\g<0>", value) + '"'


def escape_word(value: str) -> str:
    """Return `value` escaped so that a COPY or a mount expands it to itself. Blanks are not escaped."""
    return re.sub(r"['\"\\$]", r"\\\g<0>", value)


def escape_flag(text: str) -> str:
    """Return a flag with its blanks, quotes and backslashes escaped."""
    return _SPECIAL_IN_FLAG.sub(r"\\\g<0>", text)


_CONTINUED = re.compile(r"([^\\])\\[ \t]*\Z|^\\[ \t]*\Z")
# Separators of words, as in the parser. A line feed is not one of them: a joined line has none.
_BLANKS = "\t\v\f\r "


class LogicalLine(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction on one line: continued lines are joined, comments and blank lines between them are removed."""

    raw: str
    text: str
    offsets: tuple[int, ...]
    """The position in `raw` of each character of `text`."""
    height: int
    """How many lines of `raw` were joined. The lines after them are the bodies of heredocs."""
    is_complete: bool
    """False if the file ends after a continuation, so that a line appended to it would become part of this one."""

    @property
    def as_one_line(self) -> str:
        """The text without the indentation of continued lines: one blank where two lines were joined."""
        parts: list[str] = []
        begin = 0
        for position in range(1, len(self.text) + 1):
            if position == len(self.text) or self.offsets[position] != self.offsets[position - 1] + 1:
                parts.append(self.text[begin:position].strip())
                begin = position
        return " ".join(part for part in parts if part)

    def replace(self, changes: Sequence[tuple["Token", str]]) -> str:
        """Return `raw` with tokens replaced by new texts. The tokens must not overlap."""
        text = self.raw
        for token, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
            start = self.offsets[token.start]
            end = self.offsets[token.end - 1] + 1
            text = text[:start] + new + text[end:]
        return text


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a logical line: its text, and its position there, from `start` to before `end`.

    The text of a flag has no quotes and escapes, as the parser returns it. Other tokens are as written.
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
        return _split_rest(self.rest, lambda text, position: _find(text, position, _BLANKS))

    @property
    def quoted_words(self) -> tuple[Token, ...]:
        """The rest split at blanks outside quotes: the pairs of ARG and ENV. The words keep their quotes."""
        return _split_rest(self.rest, _end_of_quoted_word)


def join(raw: str) -> LogicalLine:
    """Join the continued lines of one instruction."""
    text: list[str] = []
    offsets: list[int] = []
    position = 0
    lines = raw.split("\n")
    for number, physical in enumerate(lines, start=1):
        content = physical.rstrip("\r")
        begin = len(content) - len(content.lstrip()) if number == 1 else 0
        blank = not content.strip() or (content.lstrip().startswith("#") and number > 1)
        match = _CONTINUED.search(content)
        if not blank or number == 1:
            end = len(content) if match is None else match.start() + len(match[1] or "")
            text.append(content[begin:end])
            offsets.extend(range(position + begin, position + end))
        position += len(physical) + 1
        if match is None and (not blank or number == 1):
            return LogicalLine(raw=raw, text="".join(text), offsets=tuple(offsets), height=number, is_complete=True)
    return LogicalLine(raw=raw, text="".join(text), offsets=tuple(offsets), height=len(lines), is_complete=False)


def complete(raw: str) -> str:
    """Return an instruction without the continuation that it ends with, so that another can follow it."""
    line = join(raw)
    return raw if line.is_complete else line.text.rstrip(f"{_BLANKS}{ESCAPE}")


def split(text: str) -> Tokens:
    """Split a logical line into tokens."""
    text = text.rstrip()
    start = _skip(text, 0)
    end = _find(text, start, _BLANKS)
    keyword = Token(text=text[start:end], start=start, end=end)
    flags: list[Token] = []
    position = _skip(text, end)
    while text.startswith("--", position):
        flag = _flag(text, position)
        position = flag.end
        if flag.text == "--":
            break
        flags.append(flag)
        position = _skip(text, position)
    position = _skip(text, position)
    rest = Token(text=text[position:], start=position, end=len(text))
    return Tokens(keyword=keyword, flags=tuple(flags), rest=rest)


def _split_rest(rest: Token, end_of_word: Callable[[str, int], int]) -> tuple[Token, ...]:
    found: list[Token] = []
    position = _skip(rest.text, 0)
    while position < len(rest.text):
        end = end_of_word(rest.text, position)
        found.append(Token(text=rest.text[position:end], start=rest.start + position, end=rest.start + end))
        position = _skip(rest.text, end)
    return tuple(found)


def _flag(text: str, start: int) -> Token:
    word: list[str] = []
    quote = ""
    position = start
    while position < len(text) and (quote or not text[position].isspace()):
        char = text[position]
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == ESCAPE:
            position += 1
            word.append(text[position : position + 1])
        else:
            word.append(char)
        position += 1
    return Token(text="".join(word), start=start, end=min(position, len(text)))


def _end_of_quoted_word(text: str, position: int) -> int:
    quote = ""
    while position < len(text) and (quote or not text[position].isspace()):
        char = text[position]
        if char == quote:
            quote = ""
        elif char == ESCAPE and quote != "'":
            position += 1
        elif not quote and char in "'\"":
            quote = char
        position += 1
    return min(position, len(text))


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _find(text: str, position: int, chars: str) -> int:
    while position < len(text) and text[position] not in chars:
        position += 1
    return position
