"""The stack as values: what the source tree says, before anything is planned or done.

Only `ci.stack.reader.read_stack` makes them. Nothing here reads files, the clock or the network.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from ci.stack.budget_config import Budget
from ci.stack.gpu_config import GpuSettings
from ci.stack.image import Compression, Images, Suite, TestSettings
from ci.stack.wiki_config import WikiSettings


class EntryKind(StrEnum):
    """The kinds of entries of a tree. Pipes, sockets and devices are not entries."""

    FILE = "file"
    PROGRAM = "program"
    """An executable file."""
    LINK = "link"
    FOLDER = "folder"


class Tree(Protocol):
    """A source tree: the files below one folder. Paths are relative to it, with `/`, and never start with `./`."""

    @property
    def paths(self) -> Sequence[str]:
        """Every file of the tree, and links to files, sorted. A link that leads out of the tree counts as one."""
        ...

    @property
    def entries(self) -> Mapping[str, EntryKind]:
        """Files, folders and links, sorted by path. Bytes of a path that are not UTF-8 are surrogates."""
        ...

    def read(self, path: str) -> str:
        """Return the text of one file of `paths`. Bytes that are not UTF-8 become U+FFFD.

        Raises SpecError for a link that leads out of the tree.
        """
        ...

    def digest(self, path: str) -> str:
        """Return a digest of a file's bytes, or of a link's target."""
        ...


class Stack(Images, frozen=True, kw_only=True, dict=True):
    """The images, and what stack.toml says of all of them."""

    registry: str
    """Where its images are published, such as `docker.io/ucsdets`. Empty if not configured."""
    version: str
    source: str
    """The address of its sources, for labels."""
    compression: Compression
    epoch: str
    """When it changes, every image is rebuilt."""
    rebuild_all: tuple[str, ...]
    """.dockerignore patterns: when a file that they match changes, anywhere in the tree, every image is rebuilt."""
    platform: str
    common_suites: tuple[Suite, ...]
    tests: TestSettings
    gpu: GpuSettings | None
    """How the GPU image is tested before a promotion; None if not configured."""
    highlights: tuple[str, ...] = ()
    """Packages, such as `pip:polars`, whose versions are shown with the key versions of each image."""
    budget: Budget | None = None
    """How much its images may grow; None if not configured."""
    wiki: WikiSettings = WikiSettings()
    warnings: tuple[str, ...] = ()
    """Sentences on what may have been passed over."""

    def suites_of(self, name: str) -> tuple[Suite, ...]:
        """Return every suite that applies to an image: the common ones, its ancestors' and its own."""
        by_name = self.by_name
        inherited = (suite for ancestor in self.ancestry(name) for suite in by_name[ancestor].suites)
        # Variants of one Dockerfile have one folder of suites; it runs once, though one be built on the other.
        return tuple({suite.folder: suite for suite in (*self.common_suites, *inherited)}.values())
