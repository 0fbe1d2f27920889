"""Builds fused Dockerfiles with the Dagger engine."""

from collections.abc import Mapping

import dagger
from dagger import dag

from ci.adapters.dagger_engine.errors import answered
from ci.adapters.dagger_engine.layers import measure_layers
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.build.ports import EngineFailure
from ci.fusion.fused import Fused, FusedStep, layering, leaked_args
from ci.results import Layer

# The name is our own, and hidden by the ignore file that the engine prefers to `.dockerignore`: a text cut after
# another RUN must not change what `COPY . /here` copies.
_DOCKERFILE = ".fused.Dockerfile"
# Runs `du`; any image with coreutils would do, and this one is in the cache of nearly every stack.
_TOOLS = "debian:bookworm-slim"


class EngineBuilder:
    """A Builder on the engine of this session. `source` is the source tree that the stack was read from.

    `registry` is where published images come from and go to.
    """

    def __init__(self, source: dagger.Directory, registry: EngineRegistry | None = None) -> None:
        # Where the whole tree is a context, the history is no part of it.
        self._source = source.without_directory(".git")
        self._registry = registry

    async def image(self, fused: Fused) -> dagger.Container:
        """Return the image of a fused Dockerfile, configured as Docker would. Its files are built when it is used."""
        image = self._build(fused, fused.text)
        left = leaked_args(fused)
        if left:
            base = self._build(fused, fused.head(layering(fused).begin))
            for name in left:
                image = image.without_env_variable(name)
                value = await base.env_variable(name)
                if value is not None:
                    image = image.with_env_variable(name, value)
        return image

    def _build(self, fused: Fused, text: str) -> dagger.Container:
        context = dag.directory()
        for part in fused.contexts:
            folder = self._source.directory(part.path).filter(exclude=list(part.ignore))
            context = context.with_directory(part.folder or "/", folder)
        return (
            context.with_new_file(_DOCKERFILE, text)
            .with_new_file(f"{_DOCKERFILE}.dockerignore", f"{_DOCKERFILE}*\n")
            .docker_build(dockerfile=_DOCKERFILE)
        )

    async def run_step(self, fused: Fused, step: FusedStep) -> str | EngineFailure:
        """Build as far as one step; return what it printed if it is a RUN, both streams together."""
        image = self._build(fused, fused.cut(step))
        if step.keyword == "RUN":
            return await answered(image.combined_output())
        built = await answered(image.sync())
        return built if isinstance(built, EngineFailure) else ""

    async def finish(self, fused: Fused) -> int | EngineFailure:
        """Build the whole image; return the sum of its files' sizes in bytes."""
        return await answered(self._size(fused))

    async def _size(self, fused: Fused) -> int:
        image = await self.image(fused)
        await image.sync()
        tools = dag.container().from_(_TOOLS).with_mounted_directory("/image", image.rootfs())
        used = await tools.with_exec(["du", "--summarize", "--bytes", "--one-file-system", "/image"]).stdout()
        return int(used.split()[0])

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        """Measure the layers of an image that is built."""
        tools = dag.container().from_(_TOOLS)
        return await answered(measure_layers(fused, lambda text: self._build(fused, text), tools))

    async def fetch(self, reference: str) -> EngineFailure | None:
        """Make a published image, named by its digest, ready to be built on."""
        return await self._registry.fetch(reference) if self._registry else None

    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:
        """Push an image that is built to a tag, with labels and annotations put on top of it; return its digest."""
        if self._registry is None:
            raise AssertionError(f"{target} is to be pushed without a registry")
        image = await self.image(fused)
        for name, value in labels.items():
            # Labels are seen by `docker inspect`, annotations without reading the configuration.
            image = image.with_label(name, value).with_annotation(name, value)
        return await self._registry.push(image, target)
