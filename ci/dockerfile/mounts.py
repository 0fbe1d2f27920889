"""`RUN --mount`: its fields, and how to replace them in the text."""

import csv
from collections.abc import Callable, Collection, Iterator

import msgspec

from ci.dockerfile.lexer import escape_flag
from ci.dockerfile.parser import Instruction

_PREFIX = "--mount="
# As Go's strconv.ParseBool, which the engine uses.
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


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

    @property
    def target(self) -> str:
        """Where it is mounted."""
        return self._value("target", "dst", "destination")

    @property
    def id(self) -> str:
        """The id of a secret, an SSH agent or a cache as written."""
        return self._value("id")

    @property
    def variable(self) -> str:
        """The environment variable of a secret as written."""
        return self._value("env")

    @property
    def owner(self) -> "MountOwner":
        """The owner and mode of a cache's folder as written."""
        return MountOwner(uid=self._value("uid"), gid=self._value("gid"), mode=self._value("mode"))

    @property
    def has_owner(self) -> bool:
        """Whether the folder of a cache is to have another owner or mode than usual. A source has its own."""
        is_whole = not self.source.strip("/")
        return self.kind.lower() == "cache" and is_whole and self.owner != MountOwner()

    @property
    def is_required(self) -> bool:
        """Whether the build is to fail without this secret or SSH agent."""
        written = [field.partition("=") for field in self.fields if field.partition("=")[0].lower() == "required"]
        return bool(written) and (not written[-1][1] or written[-1][2] in _TRUE)

    @property
    def is_writable_bind(self) -> bool:
        """Whether a folder of the context, a stage or an image is, or may be, mounted for writing."""
        writable = False
        for field in self.fields:
            key, equals, value = field.partition("=")
            if key.lower() in ("rw", "readwrite"):
                writable = not equals or value not in _FALSE
            elif key.lower() in ("ro", "readonly"):
                writable = bool(equals) and value not in _TRUE
        return writable and self.kind.lower() not in ("cache", "tmpfs", "secret", "ssh")

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

    def without(self, *keys: str) -> "Mount":
        """Return the mount without some keys."""
        return Mount(fields=tuple(field for field in self.fields if field.partition("=")[0].lower() not in keys))


class MountOwner(msgspec.Struct, frozen=True, kw_only=True):
    """The owner and mode of the folder of a cache mount as written; empty for what is not."""

    uid: str = ""
    gid: str = ""
    mode: str = ""


def mounts(instruction: Instruction) -> Iterator[Mount]:
    """Return the mounts of a RUN in order."""
    for flag in instruction.flags:
        if flag.startswith(_PREFIX):
            yield _parse(flag.removeprefix(_PREFIX))


def replace_mounts(instruction: Instruction, change: Callable[[Mount], Mount], without: Collection[str] = ()) -> str:
    """Return the text of a RUN with `change` applied to its mounts, and without the flags in `without`.

    A mount that is not changed keeps its spelling.
    """
    changes = [(flag, "") for flag in instruction.tokens.flags if flag.text in without]
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
