"""What the pipeline asks of registries, as a protocol and its values. `ci.adapters.oci` fulfils it over HTTP."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from ci.errors import ExternalError
from ci.oci.reference import Reference, Repository


class RegistryError(ExternalError):
    """A registry did not do what was asked of it."""


class LoginError(RegistryError):
    """It wants a login and got none, or a wrong one (401)."""


class AccessError(RegistryError):
    """The login is good, its rights are not enough (403)."""


class NoRepositoryError(RegistryError):
    """It has no such repository and makes none by itself (404)."""


class RateLimitError(RegistryError):
    """It was asked too often and stays so (429)."""


class NoSpaceError(RegistryError):
    """Its disk or a quota is full, or the content is larger than it takes (507, 413)."""


class IntegrityError(RegistryError):
    """What lies in it is not what should lie there: another digest, or nothing."""


class UnsupportedError(RegistryError):
    """It does not offer this operation (405)."""


class RefusedError(RegistryError):
    """It takes the content or the name for wrong (400 and other answers of that kind)."""


class ServerFaultError(RegistryError):
    """It fails in itself and keeps doing so (5xx)."""


class UnreachableError(RegistryError):
    """Nothing that can be talked to is there: no such host, refused, TLS not trusted, silence, connection lost."""


class ProtocolError(RegistryError):
    """Something answers, but not as a registry does."""


OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)

# Registries need not take larger manifests (OCI distribution spec); what is read stops there, too.
MOST_MANIFEST_BYTES = 4 << 20
# Configurations and records. Layers are none of this port's business.
MOST_BLOB_BYTES = 64 << 20


def digest_of(content: bytes) -> str:
    """Return the name that registries know these bytes by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A pointer to content, as OCI documents hold it. `size` is in bytes."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The exact bytes of a manifest or index. Written again elsewhere, they keep their digest."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The name of the manifest."""
        return digest_of(self.content)

    @property
    def descriptor(self) -> Descriptor:
        """The pointer to it that others may hold."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.content))


class Registry(Protocol):
    """All registries, each found by the host of a reference. Every method may raise a RegistryError.

    A caller bounds how much it asks at once. What is transient has been tried again when an error comes.
    """

    async def head(self, reference: Reference) -> str | None:
        """Return the digest of a manifest, None if there is none. Costs nothing of Docker Hub's limit on pulls."""
        ...

    async def get(self, reference: Reference) -> Manifest | None:
        """Return a manifest, its bytes proved by its digest, or None if there is none."""
        ...

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        """Write a manifest under its tag, or its digest if it has none; return the digest.

        There is no compare-and-swap, and nothing is read back: see `put_verified`.
        """
        ...

    async def delete(self, reference: Reference) -> None:
        """Delete the manifest with a digest, and with it every tag that names it; no error if there is none.

        Many registries refuse, each with an error of its own. None deletes a single tag.
        """
        ...

    async def has_blob(self, repository: Repository, digest: str) -> bool:
        """LogLine whether a repository holds a blob."""
        ...

    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> bytes | None:
        """Return a small blob, proved by size and digest, or None if there is none."""
        ...

    async def put_blob(self, repository: Repository, content: bytes) -> str:
        """Upload a small blob unless it is there; return its digest."""
        ...

    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:
        """Return what refers to a digest, or None if the registry keeps no such list: see `ci.oci.referrers`."""
        ...

    async def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return all tags, in the registry's order; none if there is no such repository."""
        ...

    async def preflight(self, repository: Repository) -> None:
        """Prove that a repository can be written to, without leaving anything there."""
        ...


async def put_verified(registry: Registry, reference: Reference, manifest: Manifest) -> None:
    """Write a manifest and read its digest back. Raises IntegrityError when the name then names another."""
    name = reference.repository.tagged(reference.tag) if reference.tag else reference
    await registry.put(name, manifest)
    found = await registry.head(name)
    if found != manifest.digest:
        raise IntegrityError(
            f"{reference} was written as {manifest.digest} and then read back as {found or 'missing'}: something else "
            "writes this tag at the same time, or the registry lost it. Make sure of the first, then run this again."
        )
