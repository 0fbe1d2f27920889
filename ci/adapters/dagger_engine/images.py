"""Makes images of fused Dockerfiles with the Dagger engine, and pushes them: all that is done to an image here.

What this module does shows in no cache key as a value, so its own text and that of what it imports does
(`ci.adapters.pipeline_code`). Messages, measuring and retries are in other modules for that reason.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dagger
from dagger import dag

from ci.fusion.fused import Fused, layering, leaked_args
from ci.fusion.secrets import MountedSecrets, mounted_secrets
from ci.stack.image import Compression

# The file is excluded by an ignore file of its own, which the engine prefers to `.dockerignore`: its text differs from
# step to step, which must not change what `COPY . /here` copies.
_DOCKERFILE = ".fused.Dockerfile"


class BuildSecrets(NamedTuple):
    """The secrets that RUNs may mount, by id, which is also the name of each; and an SSH agent."""

    by_id: Mapping[str, dagger.Secret] = {}
    ssh: dagger.Socket | None = None


_NO_SECRETS = BuildSecrets()


class EngineImages:
    """Makes images with the engine of this session, from the source tree `source`.

    A build gets those of `secrets` that it mounts.
    """

    def __init__(self, source: dagger.Directory, secrets: BuildSecrets = _NO_SECRETS) -> None:
        # Without .git even where the whole tree is a context: each commit would change the image.
        self._source = source.without_directory(".git")
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


def labelled(image: dagger.Container, labels: Mapping[str, str]) -> dagger.Container:
    """Return an image with labels and annotations."""
    for name, value in labels.items():
        # `docker inspect` shows labels; annotations can be read without the configuration.
        image = image.with_label(name, value).with_annotation(name, value)
    return image


async def push(
    image: dagger.Container, target: str, compression: Compression, service: dagger.Service | None = None
) -> str:
    """Push an image to a tag, through a service if there is one; return the digest of its manifest."""
    forced = dagger.ImageLayerCompression.Zstd
    if compression is Compression.GZIP:
        forced = dagger.ImageLayerCompression.Gzip
    pushed = await image.publish(target, forced_compression=forced, registry_service=service)
    return pushed.rpartition("@")[2]
