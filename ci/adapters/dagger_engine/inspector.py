"""Takes the databases of packages out of an image, and reads its configuration. Nothing of the image is executed."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

import dagger
from dagger import dag
from typing_extensions import override

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.errors import engine_result
from ci.adapters.dagger_engine.image_config import read_config
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.adapters.dagger_engine.tools import TOOLS, fetched
from ci.build.engine_failure import EngineFailure
from ci.build.ports import Inspector
from ci.contents.databases import EXCLUDED, NOTICED, pattern
from ci.contents.inspection import Inspection
from ci.contents.limits import MOST_IN_ALL, MOST_OF_ONE
from ci.errors import ExternalError
from ci.fusion.fused import Fused

TAR = "/inspection.tar"

# One walk, then one tar, whose bytes depend on the image's files only: sorted, without times and owners. So the engine
# has it in its cache for an image that it has seen. Links are not followed, other file systems not entered.
SCRIPT = r"""
set -euo pipefail
export LC_ALL=C
read=$1 excluded=$2 noticed=$3 most_of_one=$4 most_in_all=$5
mkdir /inspection
cd /image
find . -xdev -mindepth 1 -regextype posix-extended \
    '(' -path ./proc -o -path ./sys -o -path ./dev ')' -prune -fprintf /inspection/entries . -o \
    '(' -type d -o -type l ')' -fprintf /inspection/entries . -o \
    -type f -fprintf /inspection/entries . \
    '(' -links 1 -fprintf /inspection/single '%s\n' -o -fprintf /inspection/several '%D:%i %s\n' ')' \
    ! -regex "\./($excluded)" \
    '(' -regex "\./($noticed)" -fprintf /inspection/noticed '%P\0' -o \
        -regex "\./($read)" -fprintf /inspection/found '%s %P\0' ')'
cd /inspection
wc --bytes <entries >counts
{ cat single; sort --unique several | cut --delimiter=' ' --fields=2; } |
    awk '{ size += $1 } END { printf "%.0f\n", size }' >>counts
in_all=0
while IFS= read -r -d '' record; do
    size=${record%% *}
    if ((size > most_of_one || in_all + size > most_in_all)); then
        printf '%s\0' "$record" >&4
    else
        in_all=$((in_all + size))
        printf './%s\0' "${record#* }" >&3
    fi
done < <(sort --zero-terminated --key=2 found) 3>chosen 4>refused
tar --create --file=/inspection.tar --format=gnu --no-recursion \
    --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0444 \
    counts refused noticed --directory=/image --null --verbatim-files-from --files-from=/inspection/chosen
"""


class EngineInspector(Inspector):
    """Inspects what `builder` builds, and what is published in `registry`."""

    def __init__(self, builder: EngineBuilder, registry: EngineRegistry | None = None) -> None:
        self._builder = builder
        self._registry = registry

    @override
    async def inspect(self, image: Fused | str) -> Inspection | EngineFailure:
        if isinstance(image, Fused):
            return await inspect_container(await self._builder.image(image))
        if self._registry is None:
            raise AssertionError(f"cannot fetch {image}: no registry is open")
        failure = await self._registry.fetch(image)
        published = dag.container().from_(image, registry_service=self._registry.service)
        return failure or await inspect_container(published)


async def inspect_container(image: dagger.Container) -> Inspection | EngineFailure:
    """Inspect an image of the engine. Raises ExternalError if what was read of it does not arrive whole."""
    return await engine_result(_inspection(image))


def with_tar(image: dagger.Container, tools: dagger.Container | None = None) -> dagger.Container:
    """Return a container with the tar of an image, as the file TAR: `tools`, by default one of the tools' image."""
    tools = (tools or dag.container().from_(TOOLS)).with_mounted_directory("/image", image.rootfs(), read_only=True)
    limits = [str(MOST_OF_ONE), str(MOST_IN_ALL)]
    return tools.with_exec(["bash", "-c", SCRIPT, "inspect", pattern(), EXCLUDED, NOTICED, *limits])


async def _inspection(image: dagger.Container) -> Inspection:
    """Inspect an image. Raises dagger.QueryError."""
    container = await with_tar(image).sync()
    async with fetched(container, TAR, "hand over what an image says about its packages") as path:
        members = _members(path)
    entries, size = members["counts"].split()
    refused = (record.partition(" ") for record in _records(members["refused"]))
    return Inspection(
        files={name.removeprefix("./"): data for name, data in members.items() if name.startswith("./")},
        refused={name: int(number) for number, _, name in refused},
        noticed=tuple(_records(members["noticed"])),
        config=await read_config(image),
        platform=str(await image.platform()),  # a scalar of Dagger
        size=int(size),
        entries=int(entries),
    )


def _members(path: Path) -> Mapping[str, bytes]:
    try:
        with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as archive:
            return {member.name: file.read() for member in archive if (file := archive.extractfile(member))}
    except tarfile.TarError as error:
        raise ExternalError(
            f"What an image says about its packages did not arrive whole: {error}. Run the same command again."
        ) from error


def _records(data: bytes) -> list[str]:
    """Return the texts of a file that end with NUL."""
    return data.decode("utf-8", "surrogateescape").split("\0")[:-1]
