"""`RUN --mount=type=secret` and `type=ssh`: what a build needs that is in no file and no image."""

import posixpath
from collections.abc import Iterable, Iterator

import msgspec

from ci.dockerfile.mounts import Mount, mounts
from ci.dockerfile.parser import Instruction


class SecretMount(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a RUN mounts. Variables are not expanded."""

    id: str
    target: str
    """Its file in the container; empty if it is a variable."""
    variable: str
    """Its environment variable; empty if it is a file."""
    is_required: bool
    location: str
    written: str
    """The mount as written."""

    @property
    def has_variables(self) -> bool:
        """Whether the engine alone knows the id."""
        return "$" in self.id


class SshMount(msgspec.Struct, frozen=True, kw_only=True):
    """An SSH agent that a RUN mounts."""

    is_required: bool
    location: str
    written: str


def secret_mounts(instructions: Iterable[Instruction]) -> Iterator[SecretMount]:
    """Return the secrets that instructions mount, in order."""
    for one, mount in _mounts(instructions, "secret"):
        # As BuildKit: an id may be given as the source, and is else the name of the file.
        found = mount.source or mount.id or posixpath.basename(mount.target)
        yield SecretMount(
            id=found,
            target=mount.target or ("" if mount.variable else f"/run/secrets/{posixpath.basename(found)}"),
            variable=mount.variable,
            is_required=mount.is_required,
            location=one.location,
            written=",".join(mount.fields),
        )


def ssh_mounts(instructions: Iterable[Instruction]) -> Iterator[SshMount]:
    """Return the SSH agents that instructions mount, in order."""
    for one, mount in _mounts(instructions, "ssh"):
        yield SshMount(is_required=mount.is_required, location=one.location, written=",".join(mount.fields))


def _mounts(instructions: Iterable[Instruction], kind: str) -> Iterator[tuple[Instruction, Mount]]:
    for one in instructions:
        if one.keyword == "RUN":
            yield from ((one, mount) for mount in mounts(one) if mount.kind.lower() == kind)
