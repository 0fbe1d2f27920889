"""One change of stable tags, promotion or rollback alike: first recorded, then applied, all of it or nothing."""

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
from ci.promotion.records import PROMOTION_RECORDS, Digests, Kind, PromotionRecord, RecordedUpdate
from ci.publish.attestations import compressed_size


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and its record. `updates` are those of the record, with the manifests.

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
        return tuple(to_record(update) for update in self.updates)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The bytes of the compressed layers by digest; without indexes, whose manifests have no sizes of layers."""
        manifests = [manifest for update in self.updates for manifest in (update.old, update.new) if manifest]
        sizes = {manifest.digest: compressed_size(manifest) for manifest in manifests}
        return {digest: size for digest, size in sizes.items() if size}


def to_record(update: TagUpdate, whole: Digests | None = None) -> RecordedUpdate:
    """Return a tag update as it is recorded. `whole` is the last whole state, where the tags point to a mix now."""
    now = update.old.digest if update.old else None
    return RecordedUpdate(
        image=update.image,
        repository=str(update.target.repository),
        tag=update.target.tag,
        old=(whole or {}).get(str(update.target.repository), now),
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
    copies = await gather_or_raise(lambda repository: _attach(registry, plan, repository), repositories)
    await gather_or_raise(lambda copy: _list(registry, plan, copy), copies)
    await update_tags(registry, plan.updates)
    # Another promotion of the same moment may have overwritten the histories after they were verified.
    listed = await gather_results(lambda copy: _list(registry, plan, copy), copies)
    tombstones = [
        update.target.repository.pinned(update.new.digest) for update in plan.updates if is_tombstone(update.new)
    ]
    # Registries that do not offer deletion keep them. They are read as absent.
    await gather_results(registry.delete, tombstones)
    return tuple(
        f"All tags were updated, but their record is missing in a history: {error}" for error in listed if error
    )


class _Copy(NamedTuple):
    """The record as it is attached in one repository, and the image it is attached to."""

    repository: Repository
    subject: str
    descriptor: Descriptor


async def _attach(registry: Registry, plan: PromotionPlan, repository: Repository) -> _Copy:
    update = next(update for update in plan.updates if update.target.repository == repository)
    image = update.old if update.old and is_tombstone(update.new) else update.new
    artifact = PROMOTION_RECORDS.artifact(plan.record)
    return _Copy(repository, image.digest, await push_referrer(registry, repository, image.descriptor, artifact))


async def _list(registry: Registry, plan: PromotionPlan, copy: _Copy) -> None:
    tags = [update.target.tag for update in plan.updates if update.target.repository == copy.repository]
    for tag in tags:
        await list_record(registry, copy.repository, tag, copy.subject, copy.descriptor)
