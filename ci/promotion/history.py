"""The history of a stable tag: all its promotion records, oldest first, kept in the registry beside the images.

The records of `2026.4-stable` are listed under the tag `2026.4-stable.history` in the repository of every image, as an
OCI index (`ci/publish/record_list.py`). An image whose tags have a prefix has its list under that prefix.

The list has a tag of its own, because attached records alone are found only while the stable tag points to one of their
images: after the rollback of a first promotion it points to nothing, and after a manual change to an image without a
record. Every image has the list, so that any image leads to it, whichever stack it joined or left; the lists are
merged when read.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference
from ci.oci.registry import Descriptor, IntegrityError, Registry
from ci.oci.tombstone import read_digest
from ci.promotion.records import PROMOTION_RECORDS, Digests, GoneRecord, PromotionRecord
from ci.promotion.timeline import Timeline, read_timeline
from ci.publish.record_list import Listed, RecordList
from ci.publish.tags import Place
from ci.registry_format import HISTORY_SUFFIX, PROMOTION_HISTORY, PROMOTION_ID

_HISTORIES = RecordList(PROMOTION_HISTORY, "promotion history")


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
    found = await read_histories(registry, [place.tagged(history_tag(tag)) for place in dict.fromkeys(places)])
    return History(tuple(record for record in found.records if tag in record.tags), found.gone)


class Histories(NamedTuple):
    """The records of several histories, the oldest first, those that are gone, and the entries of all histories."""

    records: tuple[PromotionRecord, ...]
    gone: tuple[GoneRecord, ...]
    entries: tuple[Listed, ...]


async def read_histories(registry: Registry, lists: Iterable[Reference]) -> Histories:
    """Return what is in histories, given by their tags. Raises a RegistryError for one that cannot be read."""
    read = await gather_or_raise(lambda one: _HISTORIES.read(registry, one), lists)
    entries = tuple(entry for several in read for entry in several)
    by_id: dict[str, list[Listed]] = {}
    for listed in entries:
        by_id.setdefault(listed.descriptor.annotations.get(PROMOTION_ID, ""), []).append(listed)
    found = await gather_or_raise(lambda copies: _read_copy(registry, copies), by_id.values())
    records = sorted((one for one in found if isinstance(one, PromotionRecord)), key=lambda one: (one.number, one.at))
    gone = sorted((one for one in found if isinstance(one, GoneRecord)), key=lambda one: (one.number or 0, one.at))
    return Histories(tuple(records), tuple(gone), entries)


async def list_record(registry: Registry, place: Place, tag: str, subject: str, record: Descriptor) -> None:
    """Add a record that is attached to a subject to the history of an image, unless it is listed already.

    Raises IntegrityError if other processes keep overwriting the history.
    """
    await _HISTORIES.add(registry, place.tagged(history_tag(tag)), subject, record)


async def _read_copy(registry: Registry, copies: Sequence[Listed]) -> PromotionRecord | GoneRecord:
    """Read a record, which is the same in every repository: the first copy that is there."""
    for copy in copies:
        record = await _read_record(registry, copy)
        if record is not None:
            return record
    return GoneRecord.of(copies[0].descriptor.annotations)


async def _read_record(registry: Registry, listed: Listed) -> PromotionRecord | None:
    repository, descriptor = listed
    record = await PROMOTION_RECORDS.read(registry, repository, listed.subject, descriptor)
    if record is not None and record.id != descriptor.annotations.get(PROMOTION_ID):
        raise IntegrityError(
            f"{repository.pinned(descriptor.digest)} is not the promotion record that the history lists. The history "
            "is wrong."
        )
    return record
