"""The stacks of a version that were published: their run records, listed under `2026.4.stacks` beside each image.

Without it, a stack is found only by who knows its tag. Every image has the list, so that any image leads to it.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence

from ci.image_labels import CREATED
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference
from ci.oci.referrers import list_referrers
from ci.oci.registry import Descriptor, Registry
from ci.publish.attestations import RUN_RECORDS, RunRecord
from ci.publish.record_list import Listed, RecordList
from ci.publish.tags import Place
from ci.registry_format import PUBLISHED_STACKS, RUN_RECORD, STACK_TAG, STACKS_SUFFIX

MOST_LISTED = 50
_LISTS = RecordList(PUBLISHED_STACKS, "list of published stacks", most=MOST_LISTED)


def stacks_tag(version: str) -> str:
    """Return the tag that the list of a version is under."""
    return f"{version}{STACKS_SUFFIX}"


async def list_stack(registry: Registry, place: Place, version: str, digest: str, tag: str) -> None:
    """List the newest run record of a tag that is attached to an image, unless one is. Raises a RegistryError."""
    target = place.tagged(stacks_tag(version))
    listed = await _LISTS.read(registry, target)
    same = [one.descriptor for one in listed if one.subject == digest]
    if await _newest(registry, place, same, tag):
        return
    referrers = await list_referrers(registry, place.repository, digest, RUN_RECORD)
    newest = await _newest(registry, place, referrers, tag)
    if newest is not None:
        await _LISTS.add(registry, target, digest, newest)


async def _newest(registry: Registry, place: Place, records: Iterable[Descriptor], tag: str) -> Descriptor | None:
    """Return the newest run record of a tag that is there: a clean-up leaves lists of what it deletes."""
    of_tag = [one for one in records if one.annotations.get(STACK_TAG) == tag]
    for record in sorted(of_tag, key=lambda one: one.annotations.get(CREATED, ""), reverse=True):
        if await registry.head(place.pinned(record.digest)):
            return record
    return None


async def read_stacks(registry: Registry, places: Iterable[Place], version: str) -> tuple[RunRecord, ...]:
    """Return the run records that are listed at any of the places, the newest first; those that are gone left out."""
    return await read_listed(registry, await _listed(registry, places, version), most=MOST_LISTED)


async def each_stack(registry: Registry, places: Iterable[Place], version: str) -> AsyncGenerator[RunRecord, None]:
    """Yield the same records one by one: those that are not asked for are not read."""
    for copies in _newest_first(await _listed(registry, places, version))[:MOST_LISTED]:
        record = await _read_copy(registry, copies)
        if record is not None:
            yield record


async def _listed(registry: Registry, places: Iterable[Place], version: str) -> tuple[Listed, ...]:
    tags = [place.tagged(stacks_tag(version)) for place in dict.fromkeys(places)]
    return await read_stack_lists(registry, tags)


async def read_stack_lists(registry: Registry, lists: Iterable[Reference]) -> tuple[Listed, ...]:
    """Return the entries of lists of published stacks, given by their tags. Raises a RegistryError."""
    found = await gather_or_raise(lambda one: _LISTS.read(registry, one), lists)
    return tuple(entry for several in found for entry in several)


async def read_listed(
    registry: Registry, entries: Iterable[Listed], *, most: int | None = None
) -> tuple[RunRecord, ...]:
    """Return the newest run records of entries, the newest first and each once; those that are gone left out."""
    found = await gather_or_raise(lambda copies: _read_copy(registry, copies), _newest_first(entries)[:most])
    return tuple(record for record in found if record is not None)


def _newest_first(entries: Iterable[Listed]) -> Sequence[Sequence[Listed]]:
    """Return the copies of each record, those of the newest first."""
    copies: dict[tuple[str, str], list[Listed]] = {}
    for listed in entries:
        annotations = listed.descriptor.annotations
        copies.setdefault((annotations.get(CREATED, ""), annotations.get(STACK_TAG, "")), []).append(listed)
    return [copies[key] for key in sorted(copies, reverse=True)]


async def _read_copy(registry: Registry, copies: Iterable[Listed]) -> RunRecord | None:
    """Read a record, which is the same in every repository: the first copy that is there."""
    for copy in copies:
        record = await RUN_RECORDS.read(registry, copy.repository, copy.subject, copy.descriptor)
        if record is not None:
            return record
    return None
