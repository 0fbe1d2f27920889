"""Builds fused Dockerfiles with the Dagger engine."""

import dagger
from dagger import dag

from ci.adapters.engine.faults import clean
from ci.adapters.engine.layers import measure_layers
from ci.errors import ExternalError
from ci.pipeline.ports import Refused
from ci.results import Layer
from ci.stack.fusing import Fused, FusedStep
from ci.stack.layering import layering
from ci.stack.leftovers import left_arguments

# The name is our own, and hidden by the ignore file that the engine prefers to `.dockerignore`: a text cut after
# another RUN must not change what `COPY . /here` copies.
_DOCKERFILE = ".fused.Dockerfile"
# Runs `du`; any image with coreutils would do, and this one is in the cache of nearly every stack.
_TOOLS = "debian:bookworm-slim"


class EngineBuilder:
    """A Builder on the engine of this session. `source` is the source tree that the stack was read from."""

    def __init__(self, source: dagger.Directory) -> None:
        self._source = source

    async def image(self, fused: Fused) -> dagger.Container:
        """Return the image of a fused Dockerfile, configured as Docker would. Its files are built when it is used."""
        image = self._build(fused, fused.text)
        left = left_arguments(fused)
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

    async def run_step(self, fused: Fused, step: FusedStep) -> str | Refused:
        """Build as far as one step; return what it printed if it is a RUN, both streams together."""
        image = self._build(fused, fused.cut(step))
        try:
            if step.keyword == "RUN":
                return await image.combined_output()
            await image.sync()
        except dagger.QueryError as error:
            return refused(error)
        except dagger.DaggerError as error:
            raise lost(error) from error
        return ""

    async def finish(self, fused: Fused) -> int | Refused:
        """Build the whole image; return the sum of its files' sizes in bytes."""
        try:
            image = await self.image(fused)
            await image.sync()
            tools = dag.container().from_(_TOOLS).with_mounted_directory("/image", image.rootfs())
            used = await tools.with_exec(["du", "--summarize", "--bytes", "--one-file-system", "/image"]).stdout()
        except dagger.QueryError as error:
            return refused(error)
        except dagger.DaggerError as error:
            raise lost(error) from error
        return int(used.split()[0])

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | Refused:
        """Measure the layers of an image that is built."""
        try:
            return await measure_layers(fused, lambda text: self._build(fused, text), dag.container().from_(_TOOLS))
        except dagger.QueryError as error:
            return refused(error)
        except dagger.DaggerError as error:
            raise lost(error) from error


def refused(error: dagger.QueryError) -> Refused:
    """Return what the engine refused to do, as a value."""
    if isinstance(error, dagger.ExecError):
        output = "\n".join(part for part in (error.stdout, error.stderr) if part)
        message = f"exit code {error.exit_code}" if error.exit_code >= 0 else clean(error.message)
        return Refused(message=message, exit_code=error.exit_code, output=output)
    return Refused(message=clean(str(error)))


def lost(error: dagger.DaggerError) -> ExternalError:
    """Return the error for an engine that does not answer any more."""
    return ExternalError(
        f"The engine was lost in the middle of the work: {clean(str(error))}\n"
        "What was built so far is kept if it ended gently. Run the same command again."
    )
