"""OCI indexes that grow: a list of descriptors under a tag, to which several writers add entries.

Registries have no compare-and-swap. Two that add an entry at the same moment read the same list, and the second to
write overwrites the first. So what was written is read again, and a lost entry is added again.
"""

from collections.abc import Awaitable, Callable

import msgspec

from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference
from ci.oci.registry import (
    OCI_INDEX,
    Descriptor,
    IntegrityError,
    Manifest,
    NoRepositoryError,
    ProtocolError,
    RefusedError,
    Registry,
)

SCHEMA_VERSION = 2
_TRIES = 3
# MANIFEST_BLOB_UNKNOWN: 400 of Docker's registry 2, 404 of its version 3.
_REFUSALS = (RefusedError, NoRepositoryError)

ReadEntries = Callable[[], Awaitable[tuple[Descriptor, ...]]]


class Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An OCI index."""

    schema_version: int
    media_type: str = ""
    artifact_type: str = ""
    manifests: tuple[Descriptor, ...]


def decode_index(manifest: Manifest, reference: Reference) -> Index:
    """Read an index. Raises ProtocolError for anything else."""
    try:
        return msgspec.json.decode(manifest.content, type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{reference} is not a valid {manifest.media_type}: {error}.") from error


def encode_index(entries: tuple[Descriptor, ...], artifact_type: str = "") -> Manifest:
    """Return an index of these entries."""
    index = Index(schema_version=SCHEMA_VERSION, media_type=OCI_INDEX, artifact_type=artifact_type, manifests=entries)
    return Manifest(content=msgspec.json.encode(index), media_type=OCI_INDEX)


async def add_to_index(  # noqa: PLR0913 (an entry, its index, and the kind of that)
    registry: Registry,
    tag: Reference,
    entry: Descriptor,
    read: ReadEntries,
    artifact_type: str = "",
    *,
    most: int | None = None,
) -> None:
    """Add an entry to the index under a tag, unless it is in it. `read` returns the entries that are there now.

    At most so many entries are kept, the newest, which are the last; None for all. Raises IntegrityError if the entry
    does not stay: other writers overwrite the index again and again.
    """
    for _ in range(_TRIES):
        entries = await read()
        if _contains(entries, entry):
            return
        await _put(registry, tag, (*entries, entry)[-most if most else 0 :], artifact_type)
    if not _contains(await read(), entry):
        raise IntegrityError(
            f"{tag.repository.pinned(entry.digest)} was written, but does not stay in the list {tag}: other processes "
            "keep overwriting the list. Run this again."
        )


async def _put(registry: Registry, tag: Reference, entries: tuple[Descriptor, ...], artifact_type: str) -> None:
    """Write an index. If it is refused, write it without the entries that are gone."""
    try:
        await registry.put(tag, encode_index(entries, artifact_type))
    except _REFUSALS:
        found = await gather_or_raise(lambda entry: registry.head(tag.repository.pinned(entry.digest)), entries)
        present = tuple(entry for entry, digest in zip(entries, found, strict=True) if digest)
        if present == entries:
            raise
        await registry.put(tag, encode_index(present, artifact_type))


def _contains(entries: tuple[Descriptor, ...], entry: Descriptor) -> bool:
    return entry.digest in {known.digest for known in entries}
