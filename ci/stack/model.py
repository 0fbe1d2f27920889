"""The stack as values: what the source tree says, before anything is decided or done.

Made by `ci.stack.reader.read_stack`, and by nothing else. Nothing here reads files, the clock or the network.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Protocol

import msgspec

from ci.dockerfile.arguments import Arguments
from ci.dockerfile.parser import Dockerfile
from ci.dockerfile.stages import ImageStage
from ci.stack.gpu_config import GpuSettings


class EntryKind(StrEnum):
    """What an entry of a tree is. Pipes, sockets and devices are none."""

    FILE = "file"
    PROGRAM = "program"
    """A file that may be executed."""
    LINK = "link"
    FOLDER = "folder"


class Tree(Protocol):
    """A source tree: the files below one folder. Paths are relative to it, with `/`, and never start with `./`."""

    @property
    def paths(self) -> Sequence[str]:
        """Every file of the tree, sorted."""
        ...

    @property
    def entries(self) -> Mapping[str, EntryKind]:
        """All that the tree holds, folders and links too, sorted by path. Bytes that are no UTF-8 are surrogates."""
        ...

    def read(self, path: str) -> str:
        """Return the text of one file of `paths`; undecodable bytes come as U+FFFD."""
        ...

    def digest(self, path: str) -> str:
        """Return a digest of a file's bytes, or of where a link points to."""
        ...


class SuiteKind(StrEnum):
    """Where a suite's tests run: inside the image, beside its running server, or on a GPU machine."""

    IMAGE = "image"
    SERVER = "server"
    GPU = "gpu"


class Compression(StrEnum):
    """How the layers of published images are compressed. Clients of before 2021 know only gzip."""

    GZIP = "gzip"
    ZSTD = "zstd"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of tests. `origin` is the image whose folder it lies in, or `common` for every image's."""

    origin: str
    kind: SuiteKind
    folder: str

    @property
    def name(self) -> str:
        """`origin/kind`: no two suites of an image have the same."""
        return f"{self.origin}/{self.kind}"

    @property
    def file(self) -> str:
        """The name that its files in a report begin with."""
        return f"{self.origin}-{self.kind}"


class TestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How suites are run. Limits are seconds."""

    limit: float
    """For a whole suite."""
    test_limit: float
    """For one test."""
    reruns: int
    """How often failed tests are run again: 0 or 1."""
    server_environment: Mapping[str, str]
    """Variables that an image's server and the tests beside it get."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One image of the stack. All paths are relative to the source tree."""

    name: str
    folder: str
    dockerfile_path: str
    dockerfile: Dockerfile
    context: str
    ignore: tuple[str, ...]
    """What is left out of the context: folders of tests, then the patterns of its .dockerignore, in order."""
    arguments: Arguments
    stages: tuple[ImageStage, ...]
    build_args: Mapping[str, str]
    enabled: bool
    disabled_reason: str
    parent: str | None
    """The image of the last stage's line of FROM, if it is one of the stack."""
    needs: tuple[str, ...]
    """Every image of the stack it draws on directly: FROM, COPY --from, RUN --mount from=."""
    foreign_bases: tuple[str, ...]
    """References outside the stack that it draws on directly, as resolved text; `scratch` is not one."""
    size_budget: int | None
    """The most bytes that its files may have, for the suites to check."""
    suites: tuple[Suite, ...]
    """Suites of its own; `Stack.suites_of` adds the inherited ones."""


class Stack(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All images, the needed before those that need them, else by name."""

    registry: str
    """Where its images are published: `docker.io/ucsdets`. Empty if that is not said."""
    version: str
    source: str
    """Where its sources can be read, for labels."""
    compression: Compression
    epoch: str
    """Another one has every image built anew."""
    rebuild_all: tuple[str, ...]
    """Patterns as of a .dockerignore: a change of what they match, anywhere in the tree, has all images built anew."""
    platform: str
    images: tuple[Image, ...]
    common_suites: tuple[Suite, ...]
    tests: TestSettings
    gpu: GpuSettings | None
    """How its image for GPUs is tried before a promotion; None if nobody said."""

    @cached_property
    def by_name(self) -> Mapping[str, Image]:
        """The images by name."""
        return {image.name: image for image in self.images}

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {image.name: place for place, image in enumerate(self.images)}

    def closure(self, names: Sequence[str], without: Collection[str] = ()) -> tuple[Image, ...]:
        """Return the named images and everything they need, in the stack's order. KeyError for an unknown name.

        Images in `without` are left out, and what only they need.
        """
        wanted: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in wanted and name not in without:
                wanted.add(name)
                waiting.extend(self.by_name[name].needs)
        return tuple(self.by_name[name] for name in sorted(wanted, key=self._places.__getitem__))

    def ancestry(self, name: str) -> tuple[str, ...]:
        """Return the line of ancestors along FROM, the root first and `name` last."""
        by_name = self.by_name
        found: list[str] = []
        current: str | None = name
        while current is not None:
            found.append(current)
            current = by_name[current].parent
        return tuple(reversed(found))

    def suites_of(self, name: str) -> tuple[Suite, ...]:
        """Return every suite that holds for an image: the common ones, its ancestors' and its own."""
        by_name = self.by_name
        inherited = (suite for ancestor in self.ancestry(name) for suite in by_name[ancestor].suites)
        return (*self.common_suites, *inherited)
