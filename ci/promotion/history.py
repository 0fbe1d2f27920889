"""The history of a stable tag: all its promotion records, oldest first, kept in the registry beside what it names.

The records of `2026.4-stable` are listed under the tag `2026.4-stable.history` of every image's repository, as an OCI
index of the type `application/vnd.datahub.promotion-history.v1+json` whose manifests are the records attached to images
of that repository. An annotation of each, `edu.ucsd.datahub.subject`, is the digest it is attached to.

A list under a tag of its own, because records attached to images alone would be found only as long as the stable tag
names one of these images: after a rollback of a first promotion it names nothing, and after a move by hand what nobody
has a record of. In every repository, so that any image leads to it, in whichever stack it came or went; lists are read
together. A registry may delete what no tag leads to, and spares what such an index lists.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference, Repository
from ci.oci.referrers import read_as
from ci.oci.registry import OCI_INDEX, Descriptor, IntegrityError, Manifest, ProtocolError, Registry, put_verified
from ci.promotion.records import ID_ANNOTATION, PromotionRecord

HISTORY = "application/vnd.datahub.promotion-history.v1+json"
_SUBJECT = "edu.ucsd.datahub.subject"
_SCHEMA = 2


class _Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    schema_version: int
    media_type: str
    artifact_type: str
    manifests: tuple[Descriptor, ...]


class _Listed(NamedTuple):
    repository: Repository
    descriptor: Descriptor


def history_tag(tag: str) -> str:
    """Return the tag that the history of a stable tag is under."""
    return f"{tag}.history"


async def read_history(registry: Registry, repositories: Iterable[Repository], tag: str) -> tuple[PromotionRecord, ...]:
    """Return the records of a stable tag that any of the repositories lists, the oldest first."""
    places = tuple(dict.fromkeys(repositories))

    async def listed(repository: Repository) -> tuple[_Listed, ...]:
        found = await _read_index(registry, repository.tagged(history_tag(tag)))
        return tuple(_Listed(repository, descriptor) for descriptor in found)

    by_id = {
        one.descriptor.annotations.get(ID_ANNOTATION): one
        for lists in await gather_or_raise(listed, places)
        for one in lists
    }
    records = await gather_or_raise(lambda one: _read_record(registry, one), by_id.values())
    return tuple(sorted(records, key=lambda record: (record.number, record.at)))


async def list_record(registry: Registry, repository: Repository, tag: str, subject: str, record: Descriptor) -> None:
    """Add a record that is attached to a subject to the list of its repository, unless it is in it.

    Raises IntegrityError if it does not stay there: somebody else moves this tag at the same time.
    """
    name = repository.tagged(history_tag(tag))
    known = await _read_index(registry, name)
    if record.digest in {one.digest for one in known}:
        return
    entry = msgspec.structs.replace(record, annotations={**record.annotations, _SUBJECT: subject})
    index = _Index(schema_version=_SCHEMA, media_type=OCI_INDEX, artifact_type=HISTORY, manifests=(*known, entry))
    await put_verified(registry, name, Manifest(content=msgspec.json.encode(index), media_type=OCI_INDEX))


async def _read_index(registry: Registry, name: Reference) -> tuple[Descriptor, ...]:
    manifest = await registry.get(name)
    if manifest is None:
        return ()
    try:
        index = msgspec.json.decode(manifest.content, type=_Index)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(
            f"{name} should list promotions and cannot be read as such a list: {error}. Something else wrote this tag; "
            "find out what, and delete it or put the list back."
        ) from error
    return index.manifests


async def _read_record(registry: Registry, listed: _Listed) -> PromotionRecord:
    repository, descriptor = listed
    subject = descriptor.annotations.get(_SUBJECT, "")
    record = await read_as(registry, repository, subject, descriptor, PromotionRecord)
    if record.id != descriptor.annotations.get(ID_ANNOTATION):
        raise IntegrityError(
            f"{repository.pinned(descriptor.digest)} is not the promotion that it is listed as: do not trust the list."
        )
    return record
