"""The history of a stable tag: all its promotion records, oldest first, kept in the registry beside the images.

The records of `2026.4-stable` are listed under the tag `2026.4-stable.history` in the repository of every image, as an
OCI index whose manifests are the records attached to images of that repository. An annotation of each entry is the
digest of the image that the record is attached to.

The list has a tag of its own, because attached records alone are found only while the stable tag points to one of their
images: after the rollback of a first promotion it points to nothing, and after a manual change to an image without a
record. Every repository has the list, so that any image leads to it, whichever stack it joined or left; the lists are
merged when read. A registry may delete untagged manifests, but keeps those that such an index lists.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from ci.oci.concurrency import gather_or_raise
from ci.oci.index import add_to_index, decode_index
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Descriptor, IntegrityError, ProtocolError, Registry
from ci.promotion.records import PROMOTION_RECORDS, PromotionRecord
from ci.registry_format import HISTORY_SUFFIX, PROMOTION_HISTORY, PROMOTION_ID, SUBJECT


class _Listed(NamedTuple):
    repository: Repository
    descriptor: Descriptor


def history_tag(tag: str) -> str:
    """Return the tag that the history of a stable tag is under."""
    return f"{tag}{HISTORY_SUFFIX}"


async def read_history(registry: Registry, repositories: Iterable[Repository], tag: str) -> tuple[PromotionRecord, ...]:
    """Return the records of a stable tag that any of the repositories lists, the oldest first."""

    async def read(repository: Repository) -> tuple[_Listed, ...]:
        entries = await _read_entries(registry, repository.tagged(history_tag(tag)))
        return tuple(_Listed(repository, descriptor) for descriptor in entries)

    by_id = {
        listed.descriptor.annotations.get(PROMOTION_ID): listed
        for history in await gather_or_raise(read, dict.fromkeys(repositories))
        for listed in history
    }
    found = await gather_or_raise(lambda listed: _read_record(registry, listed), by_id.values())
    records = [record for record in found if record is not None]
    return tuple(sorted(records, key=lambda record: (record.number, record.at)))


async def list_record(registry: Registry, repository: Repository, tag: str, subject: str, record: Descriptor) -> None:
    """Add a record that is attached to a subject to the history of its repository, unless it is listed already.

    Raises IntegrityError if other processes keep overwriting the history.
    """
    history = repository.tagged(history_tag(tag))
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
