"""The ARGs that a FROM needs and that have no value, those in the defaults of other ARGs included."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ci.dockerfile.arguments import Arguments, pairs
from ci.dockerfile.parser import Instruction

_QUOTES = "\"'"
# Without those that have a value of their own for this case: ${NAME:-value}. Variables in that value count.
_NEEDED = re.compile(r"\$(?:\{(\w+)(?!\w|:?[-+])|(\w+))")


class MissingValue(msgspec.Struct, frozen=True, kw_only=True):
    """An ARG before the first FROM that has no value, and where it is declared."""

    name: str
    location: str
    uses: str = ""
    """A variable in its default that no ARG before it declares, so that nothing can set it; usually empty."""


class Findings(NamedTuple):
    """What is found to be wrong while Dockerfiles are read."""

    problems: list[str]
    """Sentences."""
    missing: list[MissingValue]
    """What makes a FROM impossible to resolve, and nothing else is wrong with it."""

    def extend(self, other: "Findings") -> None:
        """Add what another has."""
        self.problems.extend(other.problems)
        self.missing.extend(other.missing)


class Values:
    """Looks for missing values in one Dockerfile. `instructions` are its ARGs before the first FROM."""

    def __init__(self, instructions: Sequence[Instruction], arguments: Arguments) -> None:
        self._arguments = arguments
        self._declared: list[tuple[str, str | None, str]] = [
            (name, default, one.location) for one in instructions for name, default in pairs(one)
        ]

    def missing(self, text: str) -> Sequence[MissingValue]:
        """Return what has to be set for a text of a FROM. Empty if setting ARGs does not help."""
        return tuple(dict.fromkeys(self._missing(text, len(self._declared))))

    def _missing(self, text: str, end: int) -> Iterator[MissingValue]:
        """Look only at the first ARGs, up to `end`: an ARG does not see those after it."""
        for name in _names(text):
            index = next((at for at in reversed(range(end)) if self._declared[at][0] == name), None)
            if index is None or self._arguments.build_args.get(name):
                continue
            _, default, location = self._declared[index]
            if default is None or not default.strip(_QUOTES) or name in self._arguments.build_args:
                yield MissingValue(name=name, location=location)
                continue
            yield from self._missing(default, index)
            earlier = {*self._arguments.automatic, *(known for known, _, _ in self._declared[:index])}
            unknown = next((used for used in _names(default) if used not in earlier), "")
            if unknown:
                yield MissingValue(name=name, location=location, uses=unknown)


def undeclared(text: str, arguments: Arguments) -> Sequence[str]:
    """Return the variables in a text of a FROM that no ARG declares."""
    return tuple(name for name in dict.fromkeys(_names(text)) if name not in arguments.for_from)


def _names(text: str) -> Iterator[str]:
    for match in _NEEDED.finditer(text):
        yield match[1] or match[2]
