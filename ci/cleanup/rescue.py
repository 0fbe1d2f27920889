"""Puts an image back that was published or promoted in the moment in which it was deleted."""

from collections.abc import Collection, Mapping, Sequence

from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Descriptor, Manifest, Registry, RegistryError, put_verified
from ci.oci.tombstone import read_digest
from ci.promotion.records import PROMOTION_RECORDS
from ci.publish.attestations import RUN_RECORDS
from ci.publish.tags import Place
from ci.registry_format import PROMOTION_RECORD, RUN_RECORD

_AGAIN = "Run the same build-stack --publish, or the same promotion, again: it completes what is missing."


async def rescue(
    registry: Registry, repository: Repository, manifest: Manifest, tags: Collection[str], newer: Sequence[Descriptor]
) -> str:
    """Put an image back with its tags, and with the tag that a newer record gives it. Returns what happened.

    Such a tag is written only if it has all other images of the record already: the process wrote them all, and one
    was deleted. Otherwise it is still writing, or has given up, and the tag must not be made by anyone else.
    """
    reference = repository.pinned(manifest.digest)
    try:
        await put_verified(registry, reference, manifest)
        wanted = [repository.tagged(tag) for tag in tags]
        for record in newer:
            meant = await _meant(registry, reference, record)
            own = [tag for tag, digest in meant.items() if tag.repository == repository and digest == manifest.digest]
            if await _holds(registry, {tag: digest for tag, digest in meant.items() if tag not in own}):
                wanted += own
        for tag in wanted:
            if await registry.head(tag) is None:
                await put_verified(registry, tag, manifest)
    except RegistryError as error:
        return f"{reference} was published while it was deleted, and could not be put back: {error} {_AGAIN}"
    return f"{reference} was published while it was deleted, and was put back."


async def _meant(registry: Registry, reference: Reference, record: Descriptor) -> Mapping[Reference, str | None]:
    """Return what tags point to when what a record is about is done; nothing for a record of another kind."""
    repository, digest = reference.repository, reference.digest
    if record.artifact_type == RUN_RECORD:
        run = await RUN_RECORDS.read(registry, repository, digest, record)
        return {image.place.tagged(run.tag): image.digest for image in run.images} if run else {}
    if record.artifact_type == PROMOTION_RECORD:
        promotion = await PROMOTION_RECORDS.read(registry, repository, digest, record)
        moves = promotion.moves if promotion else ()
        return {Place.parse(move.place).tagged(move.stack_tag): move.new for move in moves}
    return {}


async def _holds(registry: Registry, meant: Mapping[Reference, str | None]) -> bool:
    digests = await gather_or_raise(lambda tag: read_digest(registry, tag, ()), meant)
    return tuple(meant.values()) == digests
