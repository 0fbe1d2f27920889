"""The images of a stack as values: all that a build of them is made from.

Settings that no image depends on, such as a budget, are in `ci.stack.model`: whatever this module imports counts as
code that may alter images (`ci.adapters.pipeline_code`).
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from functools import cached_property

import msgspec

from ci.dockerfile.arguments import Arguments
from ci.dockerfile.parser import Dockerfile
from ci.dockerfile.stages import ImageStage
from ci.stack.image_references import ImageName, ImageReferences


class SuiteKind(StrEnum):
    """Where a suite's tests run: inside the image, beside its running server, or on a GPU machine."""

    IMAGE = "image"
    SERVER = "server"
    GPU = "gpu"


class Compression(StrEnum):
    """How the layers of published images are compressed. Clients from before 2021 support only gzip."""

    GZIP = "gzip"
    ZSTD = "zstd"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of tests, which is what tells it apart from the others.

    `origin` is the image whose folder contains it, or a word that no image has as its name, for all images.
    """

    origin: str
    kind: SuiteKind
    folder: str

    @property
    def name(self) -> str:
        """`origin/kind`, as it is shown, and named by --suite."""
        return f"{self.origin}/{self.kind}"

    @property
    def file(self) -> str:
        """The prefix of its file names in a report."""
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
    """Variables for an image's server and for its server suites."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One image of the stack. All paths are relative to the source tree."""

    name: str
    """Unique in the stack."""
    repository: str
    """Its repository below the registry of the stack. Variants may share one."""
    tag_prefix: str = ""
    """What its tags begin with, such as `cuda12-`, where variants share a repository; otherwise empty."""
    called: ImageName
    """What it is called in Dockerfiles."""
    folder: str
    dockerfile_path: str
    dockerfile: Dockerfile
    context: str
    ignore: tuple[str, ...]
    """Patterns excluded from the context: the folders of tests, then those of its .dockerignore, in order."""
    ignore_file: str
    """The path of its .dockerignore; empty if there is none."""
    arguments: Arguments
    stages: tuple[ImageStage, ...]
    build_args: Mapping[str, str]
    """The values of ARGs that its Dockerfile declares, wherever they were given."""
    proxies: Mapping[str, str]
    """Values of HTTP_PROXY and its like that no ARG declares: its RUNs see them, and no part of it depends on them."""
    enabled: bool
    disabled_reason: str
    parent: str | None
    """The image that the last stage is built on by FROM, if it is part of the stack."""
    needs: tuple[str, ...]
    """The images of the stack that it depends on directly: FROM, COPY --from, RUN --mount from=."""
    foreign_bases: tuple[str, ...]
    """The images outside the stack that it depends on directly, as resolved references, without `scratch`."""
    size_budget: int | None
    """The maximum size of its files in bytes, which the suites check."""
    suites: tuple[Suite, ...]
    """Its own suites; `Stack.suites_of` adds the inherited ones."""


class Images(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The images of a stack in topological order, dependencies first, otherwise by name."""

    images: tuple[Image, ...]
    external: tuple[str, ...] = ()
    """References that mean no image of the stack, though they look like it."""

    @cached_property
    def by_name(self) -> Mapping[str, Image]:
        """The images by name."""
        return {image.name: image for image in self.images}

    @cached_property
    def references(self) -> ImageReferences:
        """What references in Dockerfiles mean."""
        return ImageReferences((image.called for image in self.images), self.external)

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {image.name: position for position, image in enumerate(self.images)}

    def closure(self, names: Sequence[str], without: Collection[str] = ()) -> tuple[Image, ...]:
        """Return the named images and all images they need, in the stack's order. KeyError for an unknown name.

        Images in `without` are excluded, and those that only they need.
        """
        wanted: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in wanted and name not in without:
                wanted.add(name)
                pending.extend(self.by_name[name].needs)
        return tuple(self.by_name[name] for name in sorted(wanted, key=self._positions.__getitem__))

    def ancestry(self, name: str) -> tuple[str, ...]:
        """Return the chain of parents of an image, the root first and `name` last."""
        by_name = self.by_name
        found: list[str] = []
        current: str | None = name
        while current is not None:
            found.append(current)
            current = by_name[current].parent
        return tuple(reversed(found))
