"""Variables (`$X`, `${X:-word}`) and quotes in the words of a Dockerfile, expanded as Docker does.

Docker's rules are those of a shell, except that words are not split again and there is no command substitution.
"""

import re
from collections.abc import Mapping

import msgspec

from ci.dockerfile.lexer import ESCAPE

_SPECIAL_NAMES = "@*#?-$!"


class ExpansionError(Exception):
    """A word cannot be expanded; the text says why."""


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """A word with its variables expanded."""

    text: str
    missing: frozenset[str]
    """The variables in the word that have no value."""


def expand(word: str, values: Mapping[str, str]) -> Expansion:
    """Expand the variables of a word and remove its quotes. A variable without a value is empty."""
    reader = _Reader(word, values)
    text = reader.read_until("", patterns=False)
    return Expansion(text=text, missing=frozenset(reader.missing))


class _Reader:
    def __init__(self, word: str, values: Mapping[str, str]) -> None:
        self._word = word
        self._values = values
        self._position = 0
        self.missing: set[str] = set()

    def _peek(self) -> str:
        return self._word[self._position : self._position + 1]

    def _next(self) -> str:
        char = self._peek()
        self._position += 1
        return char

    def read_until(self, stop: str, *, patterns: bool) -> str:
        """Read to the character `stop`, or to the end. In patterns a backslash is kept: it escapes wildcards."""
        parts: list[str] = []
        while char := self._peek():
            if char == "$":
                parts.append(self._dollar())
            elif char == "'":
                parts.append(self._single_quotes())
            elif char == '"':
                parts.append(self._double_quotes(patterns=patterns))
            elif char == ESCAPE:
                self._next()
                parts.append(char + self._next() if patterns else self._next())
            elif char == stop:
                self._next()
                return "".join(parts)
            else:
                parts.append(self._next())
        if stop:
            raise ExpansionError(f"a closing {stop} is missing")
        return "".join(parts)

    def _single_quotes(self) -> str:
        end = self._word.find("'", self._position + 1)
        if end < 0:
            raise ExpansionError("a closing single quote is missing")
        text = self._word[self._position + 1 : end]
        self._position = end + 1
        return text

    def _double_quotes(self, *, patterns: bool) -> str:
        self._next()
        parts: list[str] = []
        while char := self._peek():
            if char == "$":
                parts.append(self._dollar())
                continue
            self._next()
            if char == '"':
                return "".join(parts)
            if char == ESCAPE:
                if patterns:
                    parts.append(char)
                char = self._next() if self._peek() in ('"', "$", ESCAPE) else char
            parts.append(char)
        raise ExpansionError("a closing double quote is missing")

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return self._value(name) or "" if name else "$"
        self._next()
        if self._peek() in ("{", "}", ":"):
            raise ExpansionError("a name is missing in ${…}")
        name = self._name()
        operator = self._next()
        if operator == "}":
            return self._value(name) or ""
        if operator == "/":
            return self._replaced(name)
        if operator == ":":
            operator += self._next()
        if operator in (":-", "-", ":+", "+", ":?", "?"):
            return self._alternative(name, operator)
        if operator in ("#", "%"):
            return self._trimmed(name, operator)
        raise ExpansionError(f"unsupported substitution ${{{name}{operator}…}}")

    def _name(self) -> str:
        start = self._position
        char = self._peek()
        if char and char in _SPECIAL_NAMES:
            return self._next()
        numeric = char.isdigit()
        while (char := self._peek()) and (char.isdigit() or (not numeric and (char.isalpha() or char == "_"))):
            self._position += 1
        return self._word[start : self._position]

    def _value(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None:
            self.missing.add(name)
        return value

    def _alternative(self, name: str, operator: str) -> str:
        word = self.read_until("}", patterns=False)
        value = self._value(name)
        unset = value is None or (operator.startswith(":") and not value)
        match operator[-1]:
            case "-":
                return word if unset else value or ""
            case "+":
                return "" if unset else word
            case _ if unset:
                raise ExpansionError(f"{name}: {word or 'a value is required'}")
            case _:
                return value or ""

    def _trimmed(self, name: str, operator: str) -> str:
        pattern = self.read_until("}", patterns=True)
        value = self._value(name) or ""
        greedy = pattern.startswith(operator)
        regex = _regex(pattern.removeprefix(operator), greedy=greedy)
        if operator == "#":
            match = re.match(regex, value)
            return value[match.end() :] if match else value
        ends = [position for position in range(len(value) + 1) if re.fullmatch(regex, value[position:])]
        if not ends:
            return value
        return value[: ends[0] if greedy else ends[-1]]

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._next()
        pattern = _regex(self.read_until("/", patterns=True), greedy=True)
        new = self.read_until("}", patterns=True)
        value = self._value(name) or ""
        return re.sub(pattern, lambda _: new, value, count=0 if everywhere else 1)


def _regex(pattern: str, *, greedy: bool) -> str:
    """Translate a shell pattern. Docker supports only `*`, `?` and backslashes."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "*":
            parts.append(".*" if greedy else ".*?")
        elif char == "?":
            parts.append(".")
        elif char == ESCAPE:
            position += 1
            char = pattern[position : position + 1]
            if char not in ("}", "/", "*", "?", ESCAPE):
                raise ExpansionError(f"the pattern {pattern!r} has a backslash before {char!r}, a plain character")
            parts.append(re.escape(char))
        else:
            parts.append(re.escape(char))
        position += 1
    return "".join(parts)
