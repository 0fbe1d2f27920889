"""What the pipeline needs of a registry: a protocol, its values and its errors. `ci.adapters.oci` implements it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from ci.errors import ExternalError
from ci.oci.reference import Reference, Repository


class RegistryError(ExternalError):
    """A request to a registry failed."""


class RegistryErrors(RegistryError):  # noqa: N818 (it is several)
    """Several requests failed for different reasons; the text has them all."""

    def __init__(self, text: str, errors: Sequence[RegistryError] = ()) -> None:
        super().__init__(text)
        self.errors = tuple(errors)


class LoginError(RegistryError):
    """The registry requires a login, or rejects the one it was given (401)."""


class AccessError(RegistryError):
    """The login is valid but lacks the permission (403)."""


class NoRepositoryError(RegistryError):
    """The repository does not exist, and the registry does not create it on a push (404)."""


class RateLimitError(RegistryError):
    """The rate limit is reached, and waiting did not help (429)."""


class NoSpaceError(RegistryError):
    """The disk or a quota is full, or the content is larger than the registry accepts (507, 413)."""


class IntegrityError(RegistryError):
    """The registry holds something else than it should: another digest, or nothing."""


class InUseError(RegistryError):
    """What is to be deleted has tags by now that it did not have."""


class UnsupportedError(RegistryError):
    """The registry does not offer this operation (405)."""


class RefusedError(RegistryError):
    """The registry rejects the content or the name (400 and other statuses of that kind)."""


class ServerFaultError(RegistryError):
    """The registry fails, and retrying did not help (5xx)."""


class UnreachableError(RegistryError):
    """No connection: unknown host, refused, untrusted TLS, timeout, connection lost."""


class ProtocolError(RegistryError):
    """The response is not that of a registry."""


OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)

# Registries need not accept larger manifests (OCI distribution spec); larger ones are not read either.
MOST_MANIFEST_BYTES = 4 << 20
# Configurations and attestations. Layers do not go through this protocol.
MOST_BLOB_BYTES = 64 << 20


def digest_of(content: bytes) -> str:
    """Return the digest of these bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An OCI descriptor: points to content. `size` is in bytes."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The exact bytes of a manifest or index, so that a copy under another tag has the same digest."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The digest of these bytes."""
        return digest_of(self.content)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor that points to this manifest."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.content))


class Registry(Protocol):
    """All registries; the host of a reference selects one. Every method may raise a RegistryError.

    Callers limit how many requests run at once. Transient failures were retried before an error is raised.
    """

    async def head(self, reference: Reference) -> str | None:
        """Return the digest of a manifest, None if it does not exist. Does not count as a pull on Docker Hub."""
        ...

    async def get(self, reference: Reference) -> Manifest | None:
        """Return a manifest, verified by its digest, or None if it does not exist."""
        ...

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        """Write a manifest under the tag of a reference, or its digest if it has no tag; return the digest.

        Registries have no compare-and-swap. Nothing is read back: see `put_verified`.
        """
        ...

    async def delete(self, reference: Reference) -> None:
        """Delete the manifest with a digest, and with it every tag that points to it; no error if it is absent.

        Many registries refuse, with different errors. None deletes a single tag.
        """
        ...

    async def has_blob(self, repository: Repository, digest: str) -> bool:
        """Return whether a repository holds a blob."""
        ...

    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> bytes | None:
        """Return a small blob, verified by size and digest, or None if it does not exist."""
        ...

    async def put_blob(self, repository: Repository, content: bytes) -> str:
        """Upload a small blob unless it exists already; return its digest."""
        ...

    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:
        """Return the referrers of a digest, or None if the registry does not list any: see `ci.oci.referrers`."""
        ...

    async def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return all tags, in the registry's order; none if the repository does not exist."""
        ...

    async def preflight(self, repository: Repository) -> None:
        """Check that a repository can be written to, without leaving anything there."""
        ...


async def put_verified(registry: Registry, reference: Reference, manifest: Manifest) -> None:
    """Write a manifest and read its digest back. Raises IntegrityError when the reference points to another one."""
    written = reference.repository.tagged(reference.tag) if reference.tag else reference
    await registry.put(written, manifest)
    found = await registry.head(written)
    if found != manifest.digest:
        raise IntegrityError(
            f"{reference} was written as {manifest.digest} and then read back as {found or 'missing'}: another process "
            "writes this tag at the same time, or the registry lost the write. Make sure that no other process writes "
            "it, then run this again."
        )
