"""Builds fused Dockerfiles with the Dagger engine."""

from collections.abc import Mapping
from typing import TypeVar

import dagger
import msgspec
from dagger import dag
from typing_extensions import override

from ci.adapters.dagger_engine.errors import engine_result
from ci.adapters.dagger_engine.images import BuildSecrets, EngineImages, labelled
from ci.adapters.dagger_engine.layers import measure_layers
from ci.adapters.dagger_engine.limits import within_limit
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.adapters.dagger_engine.tools import TOOLS
from ci.adapters.dagger_engine.translation import missing_source, translate
from ci.build.engine_failure import EngineFailure
from ci.build.ports import Builder
from ci.fusion.fused import Fused, FusedStep
from ci.results import Layer

T = TypeVar("T")

_NO_SECRETS = BuildSecrets()


class EngineBuilder(EngineImages, Builder):
    """Builds with the engine of this session, from the source tree `source`.

    `registry` is where published images are pulled from and pushed to. A build gets those of `secrets` that it mounts.
    """

    def __init__(
        self,
        source: dagger.Directory,
        registry: EngineRegistry | None = None,
        secrets: BuildSecrets = _NO_SECRETS,
    ) -> None:
        super().__init__(source, secrets)
        self._registry = registry

    @override
    async def run_step(self, fused: Fused, step: FusedStep) -> str | EngineFailure:
        image = self._build(fused, fused.cut(step))
        if step.keyword == "RUN":
            return await self._translated(await engine_result(image.combined_output()), fused, step)
        built = await self._translated(await engine_result(image.sync()), fused, step)
        return built if isinstance(built, EngineFailure) else ""

    async def _translated(
        self, result: T | EngineFailure, fused: Fused, step: FusedStep | None = None
    ) -> T | EngineFailure:
        """Return a failure in the user's terms, and any other result as it is."""
        if not isinstance(result, EngineFailure) or (result.exit_code or -1) >= 0:
            return result
        message = translate(result.message, fused, step)
        missing = missing_source(result.message, fused, step)
        if missing and missing.excluded_by:
            exists = await engine_result(self._source.exists(missing.path, do_not_follow_symlinks=True))
            message = f"{missing.path}: {missing.excluded_by}" if exists is True else message
        return msgspec.structs.replace(result, message=message)

    @override
    async def finish(self, fused: Fused) -> int | EngineFailure:
        return await self._translated(await engine_result(self._size(fused)), fused)

    async def _size(self, fused: Fused) -> int:
        image = await self.image(fused)
        await image.sync()
        tools = dag.container().from_(TOOLS).with_mounted_directory("/image", image.rootfs())
        used = await tools.with_exec(["du", "--summarize", "--bytes", "--one-file-system", "/image"]).stdout()
        return int(used.split()[0])

    @override
    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        tools = dag.container().from_(TOOLS)
        measured = await engine_result(measure_layers(fused, lambda text: self._build(fused, text), tools))
        return await self._translated(measured, fused)

    @override
    async def fetch(self, reference: str) -> EngineFailure | None:
        return await self._registry.fetch(reference) if self._registry else None

    @override
    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:
        if self._registry is None:
            raise AssertionError(f"cannot push {target}: no registry is open")
        return await self._registry.push(labelled(await self.image(fused), labels), target)


async def engine_version() -> str:
    """Return the version of the engine, `v0.21.8`. Raises ExternalError."""
    return await within_limit("say its version", dag.version())
