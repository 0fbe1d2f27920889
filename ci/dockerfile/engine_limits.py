"""What the engine cannot build, though Docker can: reported when the stack is read, with what to write instead.

Dagger converts Dockerfiles to calls of its own, and refuses what it has no call for in the middle of a build. This was
tried with Dagger 0.21.8. What can be written in another way is not here: `ci.fusion.engine_form` does that. Values with
variables are not judged, except where the engine would not survive them.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.chmod import is_octal, octal
from ci.dockerfile.mounts import Mount, mounts
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageStage, Origin, reachable
from ci.errors import did_you_mean

_FLAGS: Mapping[str, tuple[str, ...]] = {
    "FROM": ("platform",),
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("from", "chown", "chmod", "link", "parents", "exclude"),
    "ADD": ("chown", "chmod", "link", "exclude", "keep-git-dir", "checksum", "unpack"),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
}
_NETWORKS = ("", "default", "none", "host")
_GIT_FOLDER = re.compile(
    r"(git://|ssh://|https?://[^#]*\.git(\?[^#]*)?(?=#)|[\w-]+@[\w.-]+:)[^#]*#[^:]*:.+", re.IGNORECASE
)
_SSH_GIT = re.compile(r"ssh://|[\w-]+@[\w.-]+:", re.IGNORECASE)
_NUMERIC_USER = re.compile(r"\d+(:\d+)?")


def limit_problems(stages: Sequence[ImageStage]) -> Iterator[str]:
    """Return a sentence for each instruction of the stages in use that the engine would refuse."""
    reached = reachable(tuple(stages))
    ends: dict[int, _Bare] = {}
    for stage in stages:
        bare = ends[stage.base.stage] if stage.base.origin is Origin.STAGE else _Bare()
        if stage.base.origin is Origin.SCRATCH:
            bare = _Bare(is_bare=True)
        for one in (stage.source, *stage.body):
            if stage.index in reached:
                yield from _problems(one)
                yield from bare.problems(one)
            bare = bare.after(one)
        ends[stage.index] = bare


def _problems(one: Instruction) -> Iterator[str]:
    yield from _flag_problems(one)
    match one.keyword:
        case "RUN":
            yield from _run_problems(one)
        case "ADD":
            yield from _add_problems(one)
        case "EXPOSE":
            for port in one.words:
                if port.lower().endswith("/sctp"):
                    yield f"{one.location}: EXPOSE {port}: the engine supports tcp and udp only. Remove this port."
        case _:
            pass
    if one.keyword in ("COPY", "ADD"):
        yield from _chmod_problems(one)


def _flag_problems(one: Instruction) -> Iterator[str]:
    known = _FLAGS.get(one.keyword)
    for flag in one.flags if known else ():
        name = flag.removeprefix("--").partition("=")[0]
        if known and name not in known:
            yield f"{one.location}: {one.keyword} has no flag --{name}.{did_you_mean(name, known)}"


def _run_problems(one: Instruction) -> Iterator[str]:
    where = f"{one.location}: RUN"
    if one.flag("network") not in _NETWORKS:
        yield f"{where} --network={one.flag('network')}: use default, none or host."
    if one.flag("security") not in ("", "sandbox"):
        yield (
            f"{where} --security={one.flag('security')}: builds here have the usual privileges only. Remove the flag, "
            "or do this when the container runs."
        )
    if one.flag("device"):
        yield f"{where} --device={one.flag('device')}: builds here have no devices. Do this when the container runs."
    for mount in mounts(one):
        for problem in _mount_problems(mount):
            yield f"{where} --mount={','.join(mount.fields)}: {problem}"


def _mount_problems(mount: Mount) -> Iterator[str]:
    if mount.is_writable_bind:
        # The engine's process ends with a nil pointer, and with it the builds of all its clients.
        yield (
            "the engine cannot mount a folder for writing. Mount it without rw, and in the RUN copy what it changes; "
            "Docker does not keep such changes either."
        )
    if mount.has_owner and mount.origin:
        yield ("uid, gid and mode need a folder. Give one of the image as source=, with the owner that it has there.")


def _add_problems(one: Instruction) -> Iterator[str]:
    checksum = one.flag("checksum")
    if checksum:
        digest = checksum.removeprefix("sha256:")
        path = one.words[-1]
        path += posixpath.basename(one.words[0]) if path.endswith("/") else ""
        yield (
            f"{one.location}: ADD --checksum={checksum}: the engine does not verify checksums. Remove the flag, and "
            f"verify the file in the next instruction: RUN echo '{digest}  {path}' | sha256sum --check"
        )
    for source in one.words[:-1]:
        if _GIT_FOLDER.fullmatch(source):
            yield (
                f"{one.location}: ADD {source}: the engine fetches whole repositories only. ADD it without the folder "
                "in a stage of its own, and COPY the folder with --from= that stage."
            )
        if _SSH_GIT.match(source):
            yield (
                f"{one.location}: ADD {source}: the engine has no SSH keys for ADD. Use an address with https://, or "
                "clone it in a RUN --mount=type=ssh."
            )


def _chmod_problems(one: Instruction) -> Iterator[str]:
    mode = one.flag("chmod")
    if not mode or "$" in mode or is_octal(mode) or (octal(mode) and not one.flag("from")):
        return
    yield (
        f"{one.location}: {one.keyword} --chmod={mode}: the engine supports octal modes only. "
        f"Write it in octal, such as --chmod={octal(mode) or '0755'}."
    )


class _Bare(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stage at one instruction: whether no RUN has made it more than a folder, and the user."""

    is_bare: bool = False
    user: str = ""

    def problems(self, one: Instruction) -> Iterator[str]:
        is_named = self.user and "$" not in self.user and not _NUMERIC_USER.fullmatch(self.user)
        if one.keyword == "WORKDIR" and self.is_bare and is_named:
            yield (
                f"{one.location}: WORKDIR as user {self.user}: in a stage FROM scratch the engine cannot look up the "
                f"user for the new folder. Write USER with numbers, such as USER 1000:100."
            )

    def after(self, one: Instruction) -> "_Bare":
        if one.keyword == "RUN" and self.is_bare:
            return msgspec.structs.replace(self, is_bare=False)
        if one.keyword == "USER":
            return msgspec.structs.replace(self, user=one.words[0] if one.words else "")
        return self
