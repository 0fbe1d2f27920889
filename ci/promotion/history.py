"""The history of a stable tag: all its promotion records, oldest first, kept in the registry beside the images.

The records of `2026.4-stable` are listed under the tag `2026.4-stable.history` in the repository of every image, as an
OCI index whose manifests are the records attached to images of that repository. An annotation of each entry is the
digest of the image that the record is attached to. An image whose tags have a prefix has its list under that prefix.

The list has a tag of its own, because attached records alone are found only while the stable tag points to one of their
images: after the rollback of a first promotion it points to nothing, and after a manual change to an image without a
record. Every image has the list, so that any image leads to it, whichever stack it joined or left; the lists are
merged when read.

Clean-ups that delete untagged manifests may delete the records and leave the list (`docker-registry garbage-collect -m`
does). What the list says of a record that is gone is kept, until a registry refuses to store a list with its entry.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ci.oci.concurrency import gather_or_raise
from ci.oci.index import add_to_index, decode_index
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Descriptor, IntegrityError, ProtocolError, Registry
from ci.oci.tombstone import read_digest
from ci.promotion.records import PROMOTION_RECORDS, Digests, GoneRecord, PromotionRecord
from ci.promotion.timeline import Timeline, read_timeline
from ci.publish.tags import Place
from ci.registry_format import HISTORY_SUFFIX, PROMOTION_HISTORY, PROMOTION_ID, SUBJECT


class _Listed(NamedTuple):
    repository: Repository
    descriptor: Descriptor


def history_tag(tag: str) -> str:
    """Return the tag that the history of a stable tag is under."""
    return f"{tag}{HISTORY_SUFFIX}"


class History(NamedTuple):
    """The records of a stable tag, the oldest first, and those that are listed and gone."""

    records: tuple[PromotionRecord, ...]
    gone: tuple[GoneRecord, ...]


async def collect_history(
    registry: Registry, places: Iterable[Place], tag: str, known: Digests | None = None
) -> Timeline:
    """Return all promotions of a stable tag, with their status. `places` are those of the stack's images.

    `known` is what the tag points to, where that was read already.
    """
    records, gone = await read_history(registry, places, tag)
    now = dict(known or {})
    missing = [
        name for name in dict.fromkeys(name for record in records for name in record.new(tag)) if name not in now
    ]
    tags = [Place.parse(name).tagged(tag) for name in missing]
    digests = await gather_or_raise(lambda one: read_digest(registry, one, ()), tags)
    return read_timeline(records, tag, {**now, **dict(zip(missing, digests, strict=True))}, gone)


async def read_history(registry: Registry, places: Iterable[Place], tag: str) -> History:
    """Return the records of a stable tag that are listed at any of the places."""

    async def read(place: Place) -> tuple[_Listed, ...]:
        entries = await _read_entries(registry, place.tagged(history_tag(tag)))
        return tuple(_Listed(place.repository, descriptor) for descriptor in entries)

    by_id: dict[str, list[_Listed]] = {}
    for history in await gather_or_raise(read, dict.fromkeys(places)):
        for listed in history:
            by_id.setdefault(listed.descriptor.annotations.get(PROMOTION_ID, ""), []).append(listed)
    found = await gather_or_raise(lambda copies: _read_copy(registry, copies), by_id.values())
    records = sorted(
        (one for one in found if isinstance(one, PromotionRecord) and tag in one.tags),
        key=lambda one: (one.number, one.at),
    )
    gone = sorted((one for one in found if isinstance(one, GoneRecord)), key=lambda one: (one.number or 0, one.at))
    return History(tuple(records), tuple(gone))


async def list_record(registry: Registry, place: Place, tag: str, subject: str, record: Descriptor) -> None:
    """Add a record that is attached to a subject to the history of an image, unless it is listed already.

    Raises IntegrityError if other processes keep overwriting the history.
    """
    history = place.tagged(history_tag(tag))
    entry = msgspec.structs.replace(record, annotations={**record.annotations, SUBJECT: subject})
    await add_to_index(registry, history, entry, lambda: _read_entries(registry, history), PROMOTION_HISTORY)


async def _read_entries(registry: Registry, history: Reference) -> tuple[Descriptor, ...]:
    manifest = await registry.get(history)
    if manifest is None:
        return ()
    try:
        index = decode_index(manifest, history)
    except ProtocolError as error:
        raise _overwritten(history, str(error)) from error
    if index.artifact_type != PROMOTION_HISTORY:
        raise _overwritten(history, f"Its artifact type is {index.artifact_type!r}.")
    return index.manifests


def _overwritten(history: Reference, problem: str) -> ProtocolError:
    return ProtocolError(
        f"{history} is not a promotion history. {problem} Another program overwrote this tag: find out which, then "
        "restore the history or delete the tag."
    )


async def _read_copy(registry: Registry, copies: Sequence[_Listed]) -> PromotionRecord | GoneRecord:
    """Read a record, which is the same in every repository: the first copy that is there."""
    for copy in copies:
        record = await _read_record(registry, copy)
        if record is not None:
            return record
    return GoneRecord.of(copies[0].descriptor.annotations)


async def _read_record(registry: Registry, listed: _Listed) -> PromotionRecord | None:
    repository, descriptor = listed
    subject = descriptor.annotations.get(SUBJECT, "")
    record = await PROMOTION_RECORDS.read(registry, repository, subject, descriptor)
    if record is not None and record.id != descriptor.annotations.get(PROMOTION_ID):
        raise IntegrityError(
            f"{repository.pinned(descriptor.digest)} is not the promotion record that the history lists. The history "
            "is wrong."
        )
    return record
