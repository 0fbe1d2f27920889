"""Taking back a tag that did not exist before.

Registries cannot delete a tag portably, and deleting by digest takes every tag of that digest with it. So a manifest
that is nowhere else is put onto the tag, and then deleted by its digest. Where nothing can be deleted it stays there;
it is no image, and whoever reads a tag here takes it for nothing.
"""

import secrets
from collections.abc import Container

import msgspec

from ci.pipeline.reference import Reference
from ci.pipeline.registry import OCI_MANIFEST, Manifest, Registry, digest_of, put_verified
from ci.pipeline.registry_errors import IntegrityError, RegistryError

WITHDRAWN = "application/vnd.datahub.withdrawn.v1+json"

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


class _Typed(msgspec.Struct, rename="camel"):
    artifact_type: str | None = None


def is_withdrawn(manifest: Manifest) -> bool:
    """Tell whether a manifest only says that its tag was taken back."""
    try:
        return msgspec.json.decode(manifest.content, type=_Typed).artifact_type == WITHDRAWN
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


async def read_tag(registry: Registry, tag: Reference) -> Manifest | None:
    """Return what a tag names, None if it does not exist or was withdrawn."""
    manifest = await registry.get(tag)
    return None if manifest is None or is_withdrawn(manifest) else manifest


async def read_digest(registry: Registry, tag: Reference, known: Container[str]) -> str | None:
    """Return the digest of what a tag names, None if it does not exist or was withdrawn.

    Costs a HEAD if it is one of the `known`, which are images, and also a GET if it is not.
    """
    digest = await registry.head(tag)
    if digest is None or digest in known:
        return digest
    manifest = await read_tag(registry, tag)
    return manifest.digest if manifest else None


async def withdraw(registry: Registry, tag: Reference) -> None:
    """Make a tag name nothing. Raises a RegistryError if it then names something all the same."""
    await registry.put_blob(tag.repository, _EMPTY)
    manifest = withdrawn(tag)
    await put_verified(registry, tag, manifest)
    try:
        await registry.delete(tag.repository.pinned(manifest.digest))
    except RegistryError:  # many offer no deletion, or not to this account
        return
    left = await read_digest(registry, tag, ())
    if left is not None:
        raise IntegrityError(f"{tag} was taken back and then names {left}: something else writes this tag.")


def withdrawn(tag: Reference) -> Manifest:
    """Return a manifest that no other tag has: an OCI artifact without content, whose annotations say what it means.

    It takes the blob `{}` in its repository.
    """
    empty = {"mediaType": _EMPTY_TYPE, "digest": digest_of(_EMPTY), "size": len(_EMPTY)}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": WITHDRAWN,
        "config": empty,
        "layers": [empty],
        "annotations": {
            "org.opencontainers.image.description": f"{tag} was withdrawn: it goes back to naming nothing.",
            "edu.ucsd.datahub.nonce": secrets.token_hex(8),
        },
    }
    return Manifest(content=msgspec.json.encode(document), media_type=OCI_MANIFEST)
