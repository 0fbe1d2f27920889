"""Cache mounts whose folder has an owner or a mode: `RUN --mount=type=cache,uid=1000,gid=100`.

BuildKit mounts an empty folder with that owner and mode, and keeps what is written to it. Dagger 0.21.8 refuses to make
the folder (`mkdir without makeParents is unsupported`), but mounts one that a stage has: so the text gets a stage with
nothing but that folder. The engine knows a folder by its content. So builds share a cache as they do with BuildKit:
those with the same id, owner and mode.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ci.dockerfile.chmod import is_octal
from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import escape_flag
from ci.dockerfile.mounts import Mount, mounts
from ci.dockerfile.parser import Instruction

SOURCE = "/cache"
# In a copy of the image, where no folder has this name.
_SOURCE_IN_IMAGE = "/.cache-of-a-mount"
_MODE = "0755"
_NUMBER = re.compile(r"[0-9]+")
# BuildKit ignores all other bits.
_PERMISSIONS = 0o777


class CacheFolder(msgspec.Struct, frozen=True, kw_only=True):
    """The empty folder of a cache mount."""

    owner: str
    mode: str
    image: tuple[str, ...] = ()
    """If the owner has variables that are known to the engine only: the lines of a stage that has them, with its FROM
    but without its name."""

    def lines(self, name: str, empty: str, image: str) -> Sequence[str]:
        """Return the stage `name` with the folder at SOURCE, after stages that it is made with."""
        change = f"{escape_flag(f'--chown={self.owner}')} {escape_flag(f'--chmod={self.mode}')}"
        folder = (f"FROM scratch AS {empty}", f"WORKDIR {SOURCE}")
        copied = f"COPY --from={empty} {change} {SOURCE}"
        if not self.image:
            return (*folder, f"FROM scratch AS {name}", f"{copied} {SOURCE}")
        base, *variables = self.image
        return (
            *folder,
            f"{base} AS {image}",
            *variables,
            f"{copied} {_SOURCE_IN_IMAGE}",
            f"FROM scratch AS {name}",
            f"COPY --from={image} {_SOURCE_IN_IMAGE} {SOURCE}",
        )


def cache_folders(
    instruction: Instruction, environment: Environment, image: Sequence[str]
) -> Iterator[tuple[Mount, CacheFolder]]:
    """Return each mount of an instruction whose folder has an owner or a mode, and that folder.

    `image` are the lines before the instruction that set variables, the FROM first. What is not a number is left to the
    engine, which says so.
    """
    for mount in mounts(instruction) if instruction.keyword == "RUN" else ():
        if not mount.has_owner or mount.origin:
            continue
        owner = mount.owner
        written = (owner.uid or "0", owner.gid or "0", owner.mode or _MODE)
        values = [environment.expand(text) for text in written]
        if None in values:
            uid, gid, mode = written
            yield mount, CacheFolder(owner=f"{uid}:{gid}", mode=mode, image=tuple(image))
            continue
        uid, gid, mode = (value or "" for value in values)
        if _NUMBER.fullmatch(uid) and _NUMBER.fullmatch(gid) and is_octal(mode):
            yield mount, CacheFolder(owner=f"{uid}:{gid}", mode=f"{int(mode, 8) & _PERMISSIONS:04o}")


def needs_cache_folders(instructions: Iterable[Instruction]) -> bool:
    """Return whether an instruction has a mount whose folder has an owner or a mode."""
    return any(
        mount.has_owner and not mount.origin for one in instructions if one.keyword == "RUN" for mount in mounts(one)
    )


def from_folder(mount: Mount, name: str) -> Mount:
    """Return a cache mount with the folder of the stage `name` instead of an owner and a mode."""
    return mount.without("uid", "gid", "mode", "source", "src").with_value(name, "from").with_value(SOURCE, "source")
