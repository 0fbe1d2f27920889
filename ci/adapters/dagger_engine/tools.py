"""A small container with a source tree, and files that commands in it leave."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dagger
from dagger import dag

from ci.adapters.dagger_engine.limits import within_limit

TOOLS = "debian:bookworm-slim"
"""Any image with a shell, GNU find, tar and coreutils would do, and nearly every stack has this one in its cache."""
SOURCE = "/source"


def tools_with(source: dagger.Directory) -> dagger.Container:
    """Return the container, with a source tree at SOURCE. What is written there is not seen elsewhere."""
    return dag.container().from_(TOOLS).with_mounted_directory(SOURCE, source)


@asynccontextmanager
async def fetched(container: dagger.Container, path: str, what: str) -> AsyncIterator[Path]:
    """Open a copy of a file of a container on this process's disk. `what` is as for `within_limit`.

    A single file arrives whatever its size and bytes; `File.contents` has limits for both.
    """
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "file"
        await within_limit(what, container.file(path).export(str(local)))
        yield local
