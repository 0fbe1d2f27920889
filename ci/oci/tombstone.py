"""Taking back a tag that did not exist before.

Registries cannot delete a tag portably, and deleting by digest takes every tag of that digest with it. So a manifest
that is nowhere else is put onto the tag, and then deleted by its digest. Where nothing can be deleted it stays there;
it is no image, and whoever reads a tag here takes it for nothing.
"""

import secrets
from collections.abc import Container

from ci.oci.reference import Reference
from ci.oci.referrers import marker_annotations, marker_manifest, push_marker
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError

TOMBSTONE = "application/vnd.datahub.withdrawn.v1+json"


def is_tombstone(manifest: Manifest) -> bool:
    """LogLine whether a manifest only says that its tag was taken back."""
    return marker_annotations(manifest, TOMBSTONE) is not None


async def read_tag(registry: Registry, tag: Reference) -> Manifest | None:
    """Return what a tag names, None if it does not exist or was withdrawn."""
    manifest = await registry.get(tag)
    return None if manifest is None or is_tombstone(manifest) else manifest


async def read_digest(registry: Registry, tag: Reference, known: Container[str]) -> str | None:
    """Return the digest of what a tag names, None if it does not exist or was withdrawn.

    Costs a HEAD if it is one of the `known`, which are images, and also a GET if it is not.
    """
    digest = await registry.head(tag)
    if digest is None or digest in known:
        return digest
    manifest = await read_tag(registry, tag)
    return manifest.digest if manifest else None


async def write_tombstone(registry: Registry, tag: Reference) -> None:
    """Make a tag name nothing. Raises a RegistryError if it then names something all the same."""
    manifest = await push_marker(registry, tag, TOMBSTONE, _annotations(tag))
    try:
        await registry.delete(tag.repository.pinned(manifest.digest))
    except RegistryError:  # many offer no deletion, or not to this account
        return
    left = await read_digest(registry, tag, ())
    if left is not None:
        raise IntegrityError(f"{tag} was taken back and then names {left}: something else writes this tag.")


def tombstone_manifest(tag: Reference) -> Manifest:
    """Return a manifest that no other tag has, and whose annotations say what it means.

    It takes the blob `{}` in its repository.
    """
    return marker_manifest(TOMBSTONE, _annotations(tag))


def _annotations(tag: Reference) -> dict[str, str]:
    return {
        "org.opencontainers.image.description": f"{tag} was withdrawn: it goes back to naming nothing.",
        "edu.ucsd.datahub.nonce": secrets.token_hex(8),
    }
