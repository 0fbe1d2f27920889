"""Removing a tag that did not exist before.

Registries cannot delete a tag portably, and deleting by digest deletes every tag of that digest. So a manifest that no
other tag has, a tombstone, is written to the tag and then deleted by its digest. Where nothing can be deleted it stays;
it is not an image, and the functions here read such a tag as absent.
"""

import secrets
from collections.abc import Container

from ci.image_labels import DESCRIPTION
from ci.oci.reference import Reference
from ci.oci.referrers import marker_annotations, marker_manifest, push_marker
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError
from ci.registry_format import NONCE, TOMBSTONE


def is_tombstone(manifest: Manifest) -> bool:
    """Return whether a manifest only says that its tag was removed."""
    return marker_annotations(manifest, TOMBSTONE) is not None


async def read_tag(registry: Registry, tag: Reference) -> Manifest | None:
    """Return the manifest that a tag points to, None if it does not exist or was removed."""
    manifest = await registry.get(tag)
    return None if manifest is None or is_tombstone(manifest) else manifest


async def read_digest(registry: Registry, tag: Reference, known: Container[str]) -> str | None:
    """Return the digest that a tag points to, None if it does not exist or was removed.

    Costs a HEAD if the digest is one of the `known`, which are images, and also a GET if it is not.
    """
    digest = await registry.head(tag)
    if digest is None or digest in known:
        return digest
    manifest = await read_tag(registry, tag)
    return manifest.digest if manifest else None


async def write_tombstone(registry: Registry, tag: Reference) -> None:
    """Remove a tag. Raises a RegistryError if it still points to an image afterwards."""
    manifest = await push_marker(registry, tag, TOMBSTONE, _annotations(tag))
    try:
        await registry.delete(tag.repository.pinned(manifest.digest))
    except RegistryError:  # many registries do not offer deletion, or not to this account
        return
    current = await read_digest(registry, tag, ())
    if current is not None:
        raise IntegrityError(f"{tag} was removed, but now points to {current}: another process writes this tag.")


def tombstone_manifest(tag: Reference) -> Manifest:
    """Return a manifest that no other tag has, and whose annotations explain it.

    The blob `{}` must exist in its repository before it can be written.
    """
    return marker_manifest(TOMBSTONE, _annotations(tag))


def _annotations(tag: Reference) -> dict[str, str]:
    return {
        DESCRIPTION: f"{tag} was removed: it points to no image.",
        NONCE: secrets.token_hex(8),
    }
