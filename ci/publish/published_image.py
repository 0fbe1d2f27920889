"""A published image as its registry describes it: the layers of its manifest, and its configuration."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.contents.model import DescribedLayer, ImageConfig
from ci.fusion.fused import Fused, layering
from ci.oci.reference import Repository
from ci.oci.registry import Descriptor, IntegrityError, Manifest, ProtocolError, Registry
from ci.publish.sizes import layer_blobs
from ci.results import Blob


class PublishedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a registry."""

    manifest: Manifest
    config: ImageConfig
    blobs: tuple[Blob, ...]
    """Its layers, the lowest first."""

    @property
    def compressed_size(self) -> int:
        """The bytes of a download."""
        return sum(blob.size for blob in self.blobs)


class _ImageManifest(msgspec.Struct, frozen=True):
    config: Descriptor


class _Healthcheck(msgspec.Struct, frozen=True, rename="pascal"):
    test: tuple[str, ...] | None = None


class _Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """`config` of the OCI image specification; a list or map that is empty may be null."""

    user: str | None = None
    exposed_ports: Mapping[str, object] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: Mapping[str, object] | None = None
    working_dir: str | None = None
    labels: Mapping[str, str] | None = None
    stop_signal: str | None = None
    healthcheck: _Healthcheck | None = None


class _Configuration(msgspec.Struct, frozen=True):
    config: _Settings = _Settings()


async def read_published_image(registry: Registry, repository: Repository, digest: str) -> PublishedImage:
    """Read an image by its digest, without any layer. Raises a RegistryError."""
    reference = repository.pinned(digest)
    manifest = await registry.get(reference)
    if manifest is None:
        raise IntegrityError(f"{reference} is gone: it was deleted.")
    try:
        descriptor = msgspec.json.decode(manifest.content, type=_ImageManifest).config
        content = await registry.get_blob(repository, descriptor)
        if content is None:
            raise IntegrityError(f"The configuration of {reference} is gone: it was deleted.")
        read = msgspec.json.decode(content, type=_Configuration)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"{reference} is not the manifest of a single image: {error}.") from error
    return PublishedImage(manifest=manifest, config=_image_config(read.config), blobs=layer_blobs(manifest))


def _image_config(read: _Settings) -> ImageConfig:
    variables = dict(sorted(one.partition("=")[::2] for one in read.env or ()))
    return ImageConfig(
        user=read.user or "",
        workdir=read.working_dir or "",
        entrypoint=read.entrypoint or (),
        command=read.cmd or (),
        environment=variables,
        labels=dict(sorted((read.labels or {}).items())),
        ports=tuple(sorted(read.exposed_ports or ())),
        volumes=tuple(sorted(read.volumes or ())),
        healthcheck=(read.healthcheck.test or ()) if read.healthcheck else (),
        stop_signal=read.stop_signal or "",
    )


def described_layers(blobs: Sequence[Blob], fused: Fused | None = None) -> tuple[DescribedLayer, ...]:
    """Return the layers of an image, each with its instruction, if the text that it was built from is known.

    The engine's own history of an image has no instructions that a person would recognise.
    """
    steps = layering(fused).steps if fused else ()
    made: list[tuple[str, str | None]] = [(step.command, step.image) for step in steps for _ in range(step.layers)]
    foreign = len(blobs) - len(made)
    named: list[tuple[str, str | None]] = [("", None)] * len(blobs)
    if fused is not None and foreign >= 0:
        base = (f"FROM {layering(fused).base}", None)
        named = [*[base] * foreign, *made]
    return tuple(
        DescribedLayer(digest=blob.digest, compressed_size=blob.size, instruction=instruction, image=image)
        for blob, (instruction, image) in zip(blobs, named, strict=True)
    )
