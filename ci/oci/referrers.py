"""Records attached to images: OCI artifacts whose `subject` is the image, so that the registry itself holds the truth.

A registry that lists referrers finds them by that. For others the OCI specification has clients keep an index of them
under a tag made of the subject's digest. There are registries that list some and forget others, so both are read.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from ci.oci.reference import Reference, Repository
from ci.oci.registry import (
    OCI_INDEX,
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
_SCHEMA = 2
# Two that attach to one image at the same moment overwrite each other's index; the loser sees it and adds itself again.
_TRIES = 3


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `type` says what it is, `media_type` how it is written; annotations show without reading it."""

    type: str
    media_type: str
    content: bytes
    annotations: Mapping[str, str] = {}


class _ArtifactManifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    schema_version: int
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}


class _Typed(msgspec.Struct, rename="camel"):
    artifact_type: str | None = None
    annotations: Mapping[str, str] = {}


class _Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    schema_version: int
    media_type: str = ""
    manifests: tuple[Descriptor, ...]


async def push_referrer(
    registry: Registry, repository: Repository, subject: Descriptor, artifact: Artifact
) -> Descriptor:
    """Attach a record to an image of the same repository; attaching the same again changes nothing."""
    await registry.put_blob(repository, _EMPTY)
    await registry.put_blob(repository, artifact.content)
    manifest = _manifest(subject, artifact)
    await put_verified(registry, repository.pinned(manifest.digest), manifest)
    record = Descriptor(
        media_type=OCI_MANIFEST,
        digest=manifest.digest,
        size=len(manifest.content),
        artifact_type=artifact.type,
        annotations=artifact.annotations,
    )
    listed = await registry.referrers(repository.pinned(subject.digest)) or ()
    if record.digest not in {known.digest for known in listed}:
        await _add_to_index(registry, repository, subject.digest, record)
    return record


async def push_marker(
    registry: Registry, tag: Reference, artifact_type: str, annotations: Mapping[str, str]
) -> Manifest:
    """Write a manifest of no image onto a tag: all that it says is in its type and annotations. Returns it."""
    await registry.put_blob(tag.repository, _EMPTY)
    manifest = marker_manifest(artifact_type, annotations)
    await put_verified(registry, tag, manifest)
    return manifest


def marker_manifest(artifact_type: str, annotations: Mapping[str, str]) -> Manifest:
    """Return the manifest of a note."""
    empty = _describe(_EMPTY_TYPE, _EMPTY)
    note = _ArtifactManifest(
        schema_version=_SCHEMA,
        media_type=OCI_MANIFEST,
        artifact_type=artifact_type,
        config=empty,
        layers=(empty,),
        annotations=annotations,
    )
    return Manifest(content=msgspec.json.encode(note), media_type=OCI_MANIFEST)


def marker_annotations(manifest: Manifest, artifact_type: str) -> Mapping[str, str] | None:
    """Return the annotations of a note of a type; None for any other manifest."""
    try:
        read = msgspec.json.decode(manifest.content, type=_Typed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return read.annotations if read.artifact_type == artifact_type else None


async def read_as(
    registry: Registry, repository: Repository, subject: str, record: Descriptor, kind: type[DocumentType]
) -> DocumentType:
    """Read a record that was found as a value of ours. Raises ProtocolError for one that is none."""
    artifact = await read_referrer(registry, repository, subject, record)
    try:
        return msgspec.json.decode(artifact.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        name = repository.pinned(record.digest)
        raise ProtocolError(
            f"{name} is marked as {record.artifact_type} and cannot be read as one: {error}."
        ) from error


async def list_referrers(
    registry: Registry, repository: Repository, subject: str, artifact_type: str
) -> tuple[Descriptor, ...]:
    """Return the records of one type that are attached to a digest, each once."""
    listed = await registry.referrers(repository.pinned(subject)) or ()
    indexed = await _read_index(registry, repository, subject)
    records = {record.digest: record for record in (*indexed, *listed) if record.artifact_type == artifact_type}
    return tuple(records.values())


async def read_referrer(registry: Registry, repository: Repository, subject: str, record: Descriptor) -> Artifact:
    """Read a record that was found. Raises IntegrityError unless it is whole and speaks of this subject."""
    name = repository.pinned(record.digest)
    manifest = await registry.get(name)
    if manifest is None:
        raise IntegrityError(f"{name} is listed as a record of {subject} and is not there: it was deleted.")
    read = _decode(manifest, name, _ArtifactManifest)
    if read.subject is None or read.subject.digest != subject or len(read.layers) != 1:
        raise IntegrityError(f"{name} is listed as a record of {subject} and is none of it: do not trust the list.")
    content = await registry.get_blob(repository, read.layers[0])
    if content is None:
        raise IntegrityError(f"The content of the record {name} is not there: it was deleted.")
    return Artifact(
        type=read.artifact_type, media_type=read.layers[0].media_type, content=content, annotations=read.annotations
    )


def _manifest(subject: Descriptor, artifact: Artifact) -> Manifest:
    # The subject is named without annotations of its own: the same record must always have the same digest.
    manifest = _ArtifactManifest(
        schema_version=_SCHEMA,
        media_type=OCI_MANIFEST,
        artifact_type=artifact.type,
        config=_describe(_EMPTY_TYPE, _EMPTY),
        layers=(_describe(artifact.media_type, artifact.content),),
        subject=Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size),
        annotations=artifact.annotations,
    )
    return Manifest(content=msgspec.json.encode(manifest), media_type=OCI_MANIFEST)


def _describe(media_type: str, content: bytes) -> Descriptor:
    return Descriptor(media_type=media_type, digest=digest_of(content), size=len(content))


def _decode(manifest: Manifest, name: Reference, kind: type[DocumentType]) -> DocumentType:
    try:
        return msgspec.json.decode(manifest.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{name} is not what its media type {manifest.media_type} promises: {error}.") from error


def _index_tag(repository: Repository, subject: str) -> Reference:
    return repository.tagged(subject.replace(":", "-"))


async def _read_index(registry: Registry, repository: Repository, subject: str) -> tuple[Descriptor, ...]:
    name = _index_tag(repository, subject)
    manifest = await registry.get(name)
    # GitLab's registry takes such a tag for the digest, and answers with the subject itself.
    if manifest is None or manifest.digest == subject:
        return ()
    return _decode(manifest, name, _Index).manifests


async def _add_to_index(registry: Registry, repository: Repository, subject: str, record: Descriptor) -> None:
    name = _index_tag(repository, subject)
    for _ in range(_TRIES):
        known = await _read_index(registry, repository, subject)
        if record.digest in {one.digest for one in known}:
            return
        index = _Index(schema_version=_SCHEMA, media_type=OCI_INDEX, manifests=(*known, record))
        await registry.put(name, Manifest(content=msgspec.json.encode(index), media_type=OCI_INDEX))
    if record.digest not in {one.digest for one in await _read_index(registry, repository, subject)}:
        raise IntegrityError(
            f"The record {repository.pinned(record.digest)} was written, but does not stay in the list {name}: "
            "something else attaches records to this image all the time. Run this again."
        )
