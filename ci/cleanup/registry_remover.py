"""Deletes from registries that have the deletion of the OCI distribution specification."""

from collections.abc import Collection

from ci.oci.reference import Reference
from ci.oci.registry import Registry
from ci.oci.tombstone import write_tombstone


class RegistryRemover:
    """Deletes manifests by their digests. A single tag gets a manifest of its own, which is deleted then."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:  # noqa: ARG002 (they go with it)
        """Delete a manifest. See Remover."""
        await self._registry.delete(manifest)

    async def untag(self, tag: Reference) -> None:
        """Remove a tag. See Remover."""
        await write_tombstone(self._registry, tag)
