"""What is attached to an image about what is in it: its description, and the same as a bill of materials."""

import msgspec

from ci.contents.model import SCHEMA, Contents
from ci.contents.sbom import creation_time, render_sbom
from ci.fusion.fused import Fused
from ci.oci.attestation import AttestationType
from ci.oci.reference import Repository
from ci.oci.referrers import Artifact, push_referrer
from ci.oci.registry import Registry
from ci.publish.published_image import PublishedImage, described_layers
from ci.registry_format import CONTENTS, CYCLONEDX

DESCRIPTIONS = AttestationType(
    artifact_type=CONTENTS,
    document=Contents,
    annotations=lambda _contents: {},
    subject=lambda contents: contents.digest,
    title=lambda contents: f"{contents.image}.contents.json",
    newest_schema=SCHEMA,
)


def sbom_artifact(contents: Contents) -> Artifact:
    """Return the bill of materials of an image as it is attached to it.

    Scanners find it by the artifact type, and read it by the media type of the layer, which must be the same. They take
    the first of several: so it has the same bytes each time.
    """
    return Artifact(
        type=CYCLONEDX,
        media_type=CYCLONEDX,
        content=render_sbom(contents, creation_time(contents)).encode(),
        title=f"{contents.image}.cdx.json",
    )


def as_published(contents: Contents, published: PublishedImage, fused: Fused | None = None) -> Contents:
    """Return what is in an image with what its registry says of it: its digest, configuration and layers.

    The engine adds labels while it uploads, and tells less of the configuration. The text that the image was built
    from, if it is known, has the instructions of the layers.
    """
    return msgspec.structs.replace(
        contents,
        digest=published.manifest.digest,
        config=published.config,
        layers=described_layers(published.blobs, fused),
        compressed_size=published.compressed_size,
    )


async def attach_description(
    registry: Registry, repository: Repository, published: PublishedImage, contents: Contents
) -> None:
    """Attach the description and the bill of materials to an image. Raises a RegistryError.

    To attach the same again changes nothing, or puts back what is gone.
    """
    subject = published.manifest.descriptor
    await push_referrer(registry, repository, subject, DESCRIPTIONS.artifact(contents))
    await push_referrer(registry, repository, subject, sbom_artifact(contents))


async def find_description(registry: Registry, repository: Repository, digest: str, image: str) -> Contents | None:
    """Return what is in an image, if it was described. Two images of one repository may have one digest."""
    return await DESCRIPTIONS.find_any(registry, repository, digest, {}, prefer=lambda found: found.image == image)
