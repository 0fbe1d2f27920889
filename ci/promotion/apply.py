"""One change of stable tags, promotion or rollback alike: first written down, then done, all or none of it."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ci.errors import PromotionDeniedError
from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.reference import Repository
from ci.oci.referrers import push_referrer
from ci.oci.registry import Descriptor, Registry
from ci.oci.tag_update import TagUpdate, update_tags
from ci.oci.tombstone import is_tombstone
from ci.promotion.history import list_record
from ci.promotion.records import Kind, PromotionRecord, RecordedUpdate, promotion_artifact
from ci.publish.attestations import compressed_size


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and how it will be written down. `moves` are those of the record, with the manifests."""

    record: PromotionRecord
    moves: tuple[TagUpdate, ...]

    @property
    def is_done(self) -> bool:
        """Whether every tag names already what it should."""
        return all(move.is_done for move in self.moves)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The bytes of the compressed layers by digest, without those of indexes, which only their images know."""
        manifests = [manifest for move in self.moves for manifest in (move.old, move.new) if manifest]
        sizes = {manifest.digest: compressed_size(manifest) for manifest in manifests}
        return {digest: size for digest, size in sizes.items() if size}


def recorded(move: TagUpdate) -> RecordedUpdate:
    """Return a move as it is written down."""
    return RecordedUpdate(
        image=move.image,
        repository=str(move.target.repository),
        tag=move.target.tag,
        old=move.old.digest if move.old else None,
        new=None if is_tombstone(move.new) else move.new.digest,
    )


async def apply(registry: Registry, change: PromotionPlan) -> tuple[str, ...]:
    """Write the record beside every image, then move the tags; nothing if that is done. Returns warnings.

    Raises TagUpdateError as `update_tags` does, and before any tag has moved a RegistryError. A record whose move came to
    nothing stays; what the tags name tells it from the others.
    """
    if change.is_done:
        return ()
    if change.record.kind is Kind.PROMOTION and change.record.proof is None:
        problem = "It has neither a passed verdict of the GPU gate nor a reason to do without."
        raise PromotionDeniedError(f"{change.record.source} was not promoted", [problem])
    repositories = tuple(dict.fromkeys(move.target.repository for move in change.moves))
    await gather_or_raise(registry.preflight, repositories)
    copies = await gather_or_raise(lambda repository: _attach(registry, change, repository), repositories)
    await gather_or_raise(lambda copy: _list(registry, change, copy), copies)
    await update_tags(registry, change.moves)
    # One who promoted at the same moment, and then stopped, may have written the lists without this record.
    kept = await gather_results(lambda copy: _list(registry, change, copy), copies)
    withdrawn = [move.target.repository.pinned(move.new.digest) for move in change.moves if is_tombstone(move.new)]
    await gather_results(
        registry.delete, withdrawn
    )  # where that is not offered they stay, and nobody takes them for images
    return tuple(f"All tags have moved, but the record of it does not stay: {error}" for error in kept if error)


class _Copy(NamedTuple):
    """The record as it is attached in one repository, and to what."""

    repository: Repository
    subject: str
    descriptor: Descriptor


async def _attach(registry: Registry, change: PromotionPlan, repository: Repository) -> _Copy:
    move = next(move for move in change.moves if move.target.repository == repository)
    image = move.old if move.old and is_tombstone(move.new) else move.new
    descriptor = await push_referrer(registry, repository, image.descriptor, promotion_artifact(change.record))
    return _Copy(repository, image.digest, descriptor)


async def _list(registry: Registry, change: PromotionPlan, copy: _Copy) -> None:
    tags = [move.target.tag for move in change.moves if move.target.repository == copy.repository]
    for tag in tags:
        await list_record(registry, copy.repository, tag, copy.subject, copy.descriptor)
