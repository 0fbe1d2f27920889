"""`RUN --mount`: its fields, and how to replace them in the text."""

import csv
from collections.abc import Callable, Iterator

import msgspec

from ci.dockerfile.lexer import escape_flag
from ci.dockerfile.parser import Instruction

_PREFIX = "--mount="


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One mount: its fields as written. Keys are case-insensitive, and the last field of a key counts."""

    fields: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The stage or image it mounts from; empty for the build context, a cache and the like."""
        return self._value("from")

    @property
    def kind(self) -> str:
        """The type, variables not expanded."""
        return self._value("type") or "bind"

    @property
    def source(self) -> str:
        """The path within the stage, image or context."""
        return self._value("source", "src")

    def _value(self, *keys: str) -> str:
        pairs = (field.partition("=") for field in reversed(self.fields))
        return next((value for key, _, value in pairs if key.lower() in keys), "")

    def with_value(self, value: str, *keys: str) -> "Mount":
        """Return the mount with another value for a key. `keys` are its names; the first is used if it has none yet."""
        fields: list[str] = []
        found = False
        for field in self.fields:
            key, equals, _ = field.partition("=")
            if equals and key.lower() in keys:
                fields.append(f"{key}={value}")
                found = True
            else:
                fields.append(field)
        return Mount(fields=tuple(fields if found else [*fields, f"{keys[0]}={value}"]))


def mounts(instruction: Instruction) -> Iterator[Mount]:
    """Return the mounts of a RUN in order."""
    for flag in instruction.flags:
        if flag.startswith(_PREFIX):
            yield _parse(flag.removeprefix(_PREFIX))


def replace_mounts(instruction: Instruction, change: Callable[[Mount], Mount]) -> str:
    """Return the text of a RUN with `change` applied to its mounts. A mount that is not changed keeps its spelling."""
    changes = []
    for flag in instruction.tokens.flags:
        if flag.text.startswith(_PREFIX):
            old = _parse(flag.text.removeprefix(_PREFIX))
            new = change(old)
            if new != old:
                changes.append((flag, escape_flag(_PREFIX + _render(new))))
    return instruction.logical_line.replace(changes)


def _parse(text: str) -> Mount:
    return Mount(fields=tuple(next(csv.reader([text]), [])))


def _render(mount: Mount) -> str:
    return ",".join(
        '"' + field.replace('"', '""') + '"' if any(char in field for char in ',"') else field for field in mount.fields
    )
