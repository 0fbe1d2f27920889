"""Builds fused Dockerfiles with the Dagger engine."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import dagger
import msgspec
from dagger import dag
from typing_extensions import override

from ci.adapters.dagger_engine.errors import engine_result
from ci.adapters.dagger_engine.layers import measure_layers
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.adapters.dagger_engine.tools import TOOLS
from ci.adapters.dagger_engine.translation import missing_source, translate
from ci.build.ports import Builder, EngineFailure
from ci.fusion.fused import Fused, FusedStep, layering, leaked_args
from ci.fusion.secrets import MountedSecrets, mounted_secrets
from ci.results import Layer

T = TypeVar("T")

# The file is excluded by an ignore file of its own, which the engine prefers to `.dockerignore`: its text differs from
# step to step, which must not change what `COPY . /here` copies.
_DOCKERFILE = ".fused.Dockerfile"


class BuildSecrets(NamedTuple):
    """The secrets that RUNs may mount, by id, which is also the name of each; and an SSH agent."""

    by_id: Mapping[str, dagger.Secret] = {}
    ssh: dagger.Socket | None = None


_NO_SECRETS = BuildSecrets()


class EngineBuilder(Builder):
    """Builds with the engine of this session, from the source tree `source`.

    `registry` is where published images are pulled from and pushed to. A build gets those of `secrets` that it mounts.
    """

    def __init__(
        self,
        source: dagger.Directory,
        registry: EngineRegistry | None = None,
        secrets: BuildSecrets = _NO_SECRETS,
    ) -> None:
        # Without .git even where the whole tree is a context: each commit would change the image.
        self._source = source.without_directory(".git")
        self._registry = registry
        self._secrets = secrets
        self._mounted_by_text: dict[str, MountedSecrets] = {}

    async def image(self, fused: Fused) -> dagger.Container:
        """Return the image of a fused Dockerfile, configured as Docker would configure it. It is built on use."""
        image = self._without_secrets(self._build(fused, fused.text), fused)
        leaked = leaked_args(fused)
        if leaked:
            base = self._build(fused, fused.head(layering(fused).begin))
            for name in leaked:
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
        mounted = self._mounted(fused)
        return (
            context.with_new_file(_DOCKERFILE, text)
            .with_new_file(f"{_DOCKERFILE}.dockerignore", f"{_DOCKERFILE}*\n")
            .docker_build(
                dockerfile=_DOCKERFILE,
                secrets=[self._secrets.by_id[name] for name in self._used(mounted)],
                ssh=self._secrets.ssh if mounted and mounted.has_ssh else None,
            )
        )

    def _mounted(self, fused: Fused) -> MountedSecrets | None:
        """Return what a text mounts; None if there is nothing to mount."""
        if not self._secrets.by_id and self._secrets.ssh is None:
            return None
        if fused.text not in self._mounted_by_text:
            self._mounted_by_text[fused.text] = mounted_secrets(fused)
        return self._mounted_by_text[fused.text]

    def _used(self, mounted: MountedSecrets | None) -> Sequence[str]:
        """Return the ids of the secrets for a build."""
        if mounted is None:
            return ()
        return [name for name in self._secrets.by_id if name in mounted.ids or mounted.has_variable_ids]

    def _without_secrets(self, image: dagger.Container, fused: Fused) -> dagger.Container:
        """Return an image without the secrets of its RUNs, which the engine leaves for what is run in it later.

        They are no part of its files. The engine adds each at its usual place, too.
        """
        mounted = self._mounted(fused)
        for name in self._used(mounted):
            image = image.without_mount(f"/run/secrets/{name}")
        for variable in mounted.variables if mounted else ():
            image = image.without_secret_variable(variable)
        for target in mounted.targets if mounted else ():
            image = image.without_mount(target, expand="$" in target)
        return image

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
        image = await self.image(fused)
        for name, value in labels.items():
            # `docker inspect` shows labels; annotations can be read without the configuration.
            image = image.with_label(name, value).with_annotation(name, value)
        return await self._registry.push(image, target)
