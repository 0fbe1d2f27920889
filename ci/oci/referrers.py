"""Artifacts attached to images: their `subject` is the image, so the registry itself keeps what belongs together.

Registries with the OCI 1.1 referrers API list them. For all others the OCI specification has clients keep an index of
them under a tag made of the subject's digest. Some registries list some and forget others, so both are read.

What is listed may be gone: registries clean up, and `docker-registry garbage-collect -m` deletes every referrer and
leaves that index. A referrer that is gone is none; one that contradicts what it is listed as is an error.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import TypeVar

import msgspec

from ci.image_labels import TITLE
from ci.oci.index import SCHEMA_VERSION, add_to_index, decode_index
from ci.oci.reference import Reference, Repository
from ci.oci.registry import (
    OCI_MANIFEST,
    Descriptor,
    IntegrityError,
    Manifest,
    ProtocolError,
    Registry,
    digest_of,
    put_verified,
)

DocumentType = TypeVar("DocumentType", bound=msgspec.Struct)

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """`type` is what it is, `media_type` its encoding. The annotations can be read without the content.

    `title` is the name of the file that `oras pull` writes; it skips what has none.
    """

    type: str
    media_type: str
    content: bytes
    annotations: Mapping[str, str] = {}
    title: str = ""


class _Versioned(msgspec.Struct):
    schema: int


class _ArtifactManifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    schema_version: int
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}


class _MarkerFields(msgspec.Struct, rename="camel"):
    artifact_type: str | None = None
    annotations: Mapping[str, str] = {}


async def push_referrer(
    registry: Registry, repository: Repository, subject: Descriptor, artifact: Artifact
) -> Descriptor:
    """Attach an artifact to an image of the same repository.

    To attach the same again changes nothing, or puts back what is gone of it.
    """
    await registry.put_blob(repository, _EMPTY)
    await registry.put_blob(repository, artifact.content)
    manifest = _manifest(subject, artifact)
    await put_verified(registry, repository.pinned(manifest.digest), manifest)
    referrer = Descriptor(
        media_type=OCI_MANIFEST,
        digest=manifest.digest,
        size=len(manifest.content),
        artifact_type=artifact.type,
        annotations=artifact.annotations,
    )
    listed = await registry.referrers(repository.pinned(subject.digest)) or ()
    if referrer.digest not in {known.digest for known in listed}:
        await add_to_index(
            registry,
            _fallback_tag(repository, subject.digest),
            referrer,
            lambda: _read_fallback_index(registry, repository, subject.digest),
        )
    return referrer


async def list_referrers(
    registry: Registry, repository: Repository, subject: str, artifact_type: str
) -> tuple[Descriptor, ...]:
    """Return the referrers of one artifact type of a digest, each once."""
    found = await list_all_referrers(registry, repository, subject)
    return tuple(one for one in found if one.artifact_type == artifact_type)


async def list_all_referrers(registry: Registry, repository: Repository, subject: str) -> tuple[Descriptor, ...]:
    """Return the referrers of a digest, each once."""
    listed = await registry.referrers(repository.pinned(subject)) or ()
    indexed = await _read_fallback_index(registry, repository, subject)
    return tuple({one.digest: one for one in (*indexed, *listed)}.values())


async def referrers_by_source(
    registry: Registry, repository: Repository, subject: str
) -> AsyncGenerator[tuple[Descriptor, ...], None]:
    """Yield what `list_all_referrers` returns in two parts: what the registry lists, then what only the index has.

    Who finds the first to be enough saves the second request, which is a pull at registries that count these.
    """
    listed = await registry.referrers(repository.pinned(subject)) or ()
    yield listed
    known = {one.digest for one in listed}
    indexed = await _read_fallback_index(registry, repository, subject)
    yield tuple(one for one in indexed if one.digest not in known)


async def read_referrer(
    registry: Registry, repository: Repository, subject: str, referrer: Descriptor
) -> Artifact | None:
    """Read a listed referrer; None if it is gone. Raises IntegrityError unless it is attached to this subject."""
    reference = repository.pinned(referrer.digest)
    manifest = await registry.get(reference)
    if manifest is None:
        return None
    read = _decode_artifact(manifest, reference)
    if read.subject is None or read.subject.digest != subject:
        raise IntegrityError(
            f"{reference} is listed as a referrer of {subject}, but its subject is another image. The referrers list "
            "is wrong."
        )
    if len(read.layers) != 1:
        raise IntegrityError(
            f"{reference} is listed as a referrer of {subject}, but has {len(read.layers)} layers instead of one."
        )
    content = await registry.get_blob(repository, read.layers[0])
    if content is None:
        return None
    return Artifact(
        type=read.artifact_type,
        media_type=read.layers[0].media_type,
        content=content,
        annotations=read.annotations,
        title=read.layers[0].annotations.get(TITLE, ""),
    )


async def read_document(  # noqa: PLR0913 (where it is, and what it is)
    registry: Registry,
    repository: Repository,
    subject: str,
    referrer: Descriptor,
    document: type[DocumentType],
    *,
    newest_schema: int | None = None,
) -> DocumentType | None:
    """Read a listed referrer whose content is JSON; None if it is gone.

    Raises ProtocolError if it is not a valid `document`, or has a higher `schema` than the newest that is known.
    """
    artifact = await read_referrer(registry, repository, subject, referrer)
    if artifact is None:
        return None
    try:
        # By itself and first: a document of another schema may have none of the fields that are known.
        schema = msgspec.json.decode(artifact.content, type=_Versioned).schema if newest_schema else None
        if newest_schema and schema and schema > newest_schema:
            raise ProtocolError(
                f"{repository.pinned(referrer.digest)} was written by a newer version of this module: its schema is "
                f"{schema}, and this version reads {newest_schema}. Use the newer version."
            )
        return msgspec.json.decode(artifact.content, type=document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(
            f"{repository.pinned(referrer.digest)} is marked as {referrer.artifact_type}, but cannot be read as one: "
            f"{error}."
        ) from error


async def push_marker(
    registry: Registry, tag: Reference, artifact_type: str, annotations: Mapping[str, str]
) -> Manifest:
    """Write a marker under a tag, a manifest without an image: its type and annotations are all it has. Returns it."""
    await registry.put_blob(tag.repository, _EMPTY)
    manifest = marker_manifest(artifact_type, annotations)
    await put_verified(registry, tag, manifest)
    return manifest


def marker_manifest(artifact_type: str, annotations: Mapping[str, str]) -> Manifest:
    """Return the manifest of a marker."""
    empty = _describe(_EMPTY_TYPE, _EMPTY)
    marker = _ArtifactManifest(
        schema_version=SCHEMA_VERSION,
        media_type=OCI_MANIFEST,
        artifact_type=artifact_type,
        config=empty,
        layers=(empty,),
        annotations=annotations,
    )
    return Manifest(content=msgspec.json.encode(marker), media_type=OCI_MANIFEST)


def marker_annotations(manifest: Manifest, artifact_type: str) -> Mapping[str, str] | None:
    """Return the annotations of a marker of this type; None for any other manifest."""
    try:
        read = msgspec.json.decode(manifest.content, type=_MarkerFields)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return read.annotations if read.artifact_type == artifact_type else None


def _manifest(subject: Descriptor, artifact: Artifact) -> Manifest:
    # The subject's own annotations are left out: the same artifact must always have the same digest.
    manifest = _ArtifactManifest(
        schema_version=SCHEMA_VERSION,
        media_type=OCI_MANIFEST,
        artifact_type=artifact.type,
        config=_describe(_EMPTY_TYPE, _EMPTY),
        layers=(_describe(artifact.media_type, artifact.content, artifact.title),),
        subject=Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size),
        annotations=artifact.annotations,
    )
    return Manifest(content=msgspec.json.encode(manifest), media_type=OCI_MANIFEST)


def _describe(media_type: str, content: bytes, title: str = "") -> Descriptor:
    annotations = {TITLE: title} if title else {}
    return Descriptor(media_type=media_type, digest=digest_of(content), size=len(content), annotations=annotations)


def _decode_artifact(manifest: Manifest, reference: Reference) -> _ArtifactManifest:
    try:
        return msgspec.json.decode(manifest.content, type=_ArtifactManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{reference} is not a valid {manifest.media_type}: {error}.") from error


def _fallback_tag(repository: Repository, subject: str) -> Reference:
    return repository.tagged(subject.replace(":", "-"))


async def _read_fallback_index(registry: Registry, repository: Repository, subject: str) -> tuple[Descriptor, ...]:
    tag = _fallback_tag(repository, subject)
    manifest = await registry.get(tag)
    # GitLab's registry reads such a tag as the digest, and returns the subject itself.
    if manifest is None or manifest.digest == subject:
        return ()
    return decode_index(manifest, tag).manifests
