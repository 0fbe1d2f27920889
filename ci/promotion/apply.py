"""One change of stable tags, promotion or rollback alike: first recorded, then applied, all of it or nothing."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.reference import Reference
from ci.oci.referrers import push_referrer
from ci.oci.registry import Descriptor, Manifest, Registry
from ci.oci.tag_update import TagUpdate, update_tags
from ci.oci.tombstone import is_tombstone
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.history import list_record
from ci.promotion.records import PROMOTION_RECORDS, Digests, Kind, PromotionRecord, RecordedUpdate
from ci.publish.sizes import compressed_size
from ci.publish.tags import Place


class StackTarget(NamedTuple):
    """A tag of the stack, as one image has it."""

    image: str
    place: Place
    tag: str
    """Of the stack, without the image's prefix."""

    @property
    def reference(self) -> Reference:
        """What is written."""
        return self.place.tagged(self.tag)


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and its record. `updates` are those of the record in its order, with the manifests.

    An update after an interrupted one is from the mix that is there now, and its record from the last whole state.
    """

    record: PromotionRecord
    updates: tuple[TagUpdate, ...]
    is_mending: bool = False
    """Whether it ends what was interrupted, for which its record is written even if no tag changes."""
    notes: tuple[str, ...] = ()
    """Sentences to show before it is applied, and after."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do: every tag points to its new image already."""
        return not self.is_mending and all(update.is_done for update in self.updates)

    @property
    def changes(self) -> tuple[RecordedUpdate, ...]:
        """The updates as they are from now on, without manifests."""
        return tuple(
            msgspec.structs.replace(recorded, old=update.old.digest if update.old else None)
            for recorded, update in zip(self.record.moves, self.updates, strict=True)
        )

    @property
    def sizes(self) -> Mapping[str, int]:
        """The bytes of the compressed layers by digest; without indexes, whose manifests have no sizes of layers."""
        manifests = [manifest for update in self.updates for manifest in (update.old, update.new) if manifest]
        sizes = {manifest.digest: compressed_size(manifest) for manifest in manifests}
        return {digest: size for digest, size in sizes.items() if size}


def to_record(target: StackTarget, update: TagUpdate, whole: Digests) -> RecordedUpdate:
    """Return a tag update as it is recorded. `whole` is the last whole state, where the tags point to a mix now."""
    now = update.old.digest if update.old else None
    return RecordedUpdate(
        image=target.image,
        repository=str(target.place.repository),
        tag=update.target.tag,
        tag_prefix=target.place.tag_prefix,
        old=whole.get(str(target.place), now),
        new=None if is_tombstone(update.new) else update.new.digest,
    )


async def apply(registry: Registry, plan: PromotionPlan) -> tuple[str, ...]:
    """Attach the record to every image, then update the tags; do nothing if they are up to date. Returns warnings.

    Raises TagUpdateError as `update_tags` does, and a RegistryError before any tag is updated. The record of an update
    that failed stays; `ci.promotion.timeline` recognises it by what the tags point to.
    """
    if plan.is_done:
        return ()
    if plan.record.kind is Kind.PROMOTION and plan.record.proof is None:
        problem = "It has neither a passed verdict of the GPU gate nor a reason to override the gate."
        raise PromotionDeniedError(f"{plan.record.source} was not promoted", [problem])
    repositories = tuple(dict.fromkeys(update.target.repository for update in plan.updates))
    await gather_or_raise(registry.preflight, repositories)
    copies = await _attach(registry, plan)
    await gather_or_raise(lambda copy: _list(registry, copy), copies)
    await update_tags(registry, plan.updates)
    # Another promotion of the same moment may have overwritten the histories after they were verified.
    listed = await gather_results(lambda copy: _list(registry, copy), copies)
    tombstones = [
        update.target.repository.pinned(update.new.digest) for update in plan.updates if is_tombstone(update.new)
    ]
    # Registries that do not offer deletion keep them. They are read as absent.
    await gather_results(registry.delete, tombstones)
    return tuple(
        f"All tags were updated, but their record is missing in a history: {error}" for error in listed if error
    )


class _Copy(NamedTuple):
    """The record for one image: its tags of the stack, the digest that it is attached to, and the record there."""

    place: Place
    tags: tuple[str, ...]
    subject: str
    descriptor: Descriptor


async def _attach(registry: Registry, plan: PromotionPlan) -> tuple[_Copy, ...]:
    """Attach the record to each image, once where images of one repository have the same digest."""
    tags: dict[Place, list[str]] = {}
    images: dict[Place, Manifest] = {}
    for recorded, update in zip(plan.record.moves, plan.updates, strict=True):
        place = Place(repository=update.target.repository, tag_prefix=recorded.tag_prefix)
        tags.setdefault(place, []).append(recorded.stack_tag)
        images.setdefault(place, update.old if update.old and is_tombstone(update.new) else update.new)
    subjects = {(place.repository, image.digest): image.descriptor for place, image in images.items()}
    artifact = PROMOTION_RECORDS.artifact(plan.record)
    pushed = await gather_or_raise(
        lambda subject: push_referrer(registry, subject[0], subjects[subject], artifact), subjects
    )
    records = dict(zip(subjects, pushed, strict=True))
    return tuple(
        _Copy(place, tuple(tags[place]), image.digest, records[place.repository, image.digest])
        for place, image in images.items()
    )


async def _list(registry: Registry, copy: _Copy) -> None:
    for tag in copy.tags:
        await list_record(registry, copy.place, tag, copy.subject, copy.descriptor)
