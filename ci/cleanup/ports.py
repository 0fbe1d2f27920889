"""How images are deleted: registries differ in that, and in nothing else here."""

from collections.abc import Collection
from typing import Protocol

from ci.oci.reference import Reference


class Remover(Protocol):
    """Deletes from one registry. Every method may raise a RegistryError.

    A RefusedError is about one image: others may be deleted all the same. After any other, nothing will be.
    """

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:
        """Delete the manifest with a digest, and with it its tags; no error if it is absent.

        `tags` are those that it is known to have. Where the registry can tell that it has others, they and the manifest
        stay, and an InUseError is raised.
        """
        ...

    async def untag(self, tag: Reference) -> None:
        """Remove a single tag. What it points to stays, with its other tags."""
        ...
