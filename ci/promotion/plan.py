"""Promotion: the images of a run become stable, all of them or none."""

from collections.abc import Mapping, Sequence

from ci.errors import RequestError
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference, Repository
from ci.oci.registry import IntegrityError, Manifest, Registry
from ci.oci.tag_update import TagUpdate, plan_tag_updates
from ci.oci.tombstone import tombstone_manifest
from ci.promotion.apply import PromotionPlan, to_record
from ci.promotion.explain import explain_gone, explain_unfinished
from ci.promotion.history import collect_history
from ci.promotion.records import GateApproval, Kind, PromotionRecord
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RecordedImage, RunRecord
from ci.stack.stack_tag import StackTag


async def plan_promotion(
    registry: Registry, run: RunRecord, approval: GateApproval | None, *, at: str, also: Sequence[str] = ()
) -> PromotionPlan:
    """Return what promoting the images of a run changes: their stable tag, and the tags `also`.

    `at` is the time now, RFC 3339, UTC. Without an approval the plan can be shown, but not applied. Writes nothing.
    """
    tags = (StackTag.parse(run.tag).stable, *also)
    if run.tag in tags or len(set(tags)) < len(tags):
        raise RequestError(f"The tags must all be different: {', '.join((run.tag, *tags))}.")
    manifests = await gather_or_raise(lambda image: read_image(registry, image), run.images)
    wanted = [
        (image.name, image.reference.repository.tagged(tag), manifest)
        for image, manifest in zip(run.images, manifests, strict=True)
        for tag in tags
    ]
    updates = await plan_tag_updates(registry, wanted)
    timelines = {tag: await _timeline(registry, updates, tag) for tag in tags}
    for timeline in timelines.values():
        updates += await _put_back(registry, timeline, updates)
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.PROMOTION,
            number=1 + max(timeline.last_number for timeline in timelines.values()),
            at=at,
            source=run.tag,
            commit=run.commit,
            run=run.started,
            moves=tuple(to_record(update, timelines[update.target.tag].whole) for update in updates),
            proof=approval,
        ),
        updates=updates,
        is_mending=any(timeline.interrupted for timeline in timelines.values()),
        notes=tuple(note for timeline in timelines.values() for note in _notes(timeline)),
    )


async def read_image(registry: Registry, image: RecordedImage) -> Manifest:
    """Return the manifest of an image that a run published. Raises IntegrityError if it no longer exists."""
    manifest = await registry.get(image.reference)
    if manifest is None:
        raise IntegrityError(f"{image.reference} disappeared during the promotion. Is a clean-up job deleting images?")
    return manifest


async def _timeline(registry: Registry, updates: Sequence[TagUpdate], tag: str) -> Timeline:
    known = {update.target.repository: update.old for update in updates if update.target.tag == tag}
    now = {str(repository): old.digest if old else None for repository, old in known.items()}
    return await collect_history(registry, known, tag, now)


async def _put_back(registry: Registry, timeline: Timeline, updates: Sequence[TagUpdate]) -> tuple[TagUpdate, ...]:
    """Return the updates of images that the run does not have, where an interrupted promotion changed their tag."""
    own = {str(update.target) for update in updates}
    names: Mapping[str, str] = {one.repository: one.image for entry in timeline.entries for one in entry.record.moves}
    left = {
        Repository.parse(name).tagged(timeline.tag): (names[name], digest)
        for name, digest in timeline.whole.items()
        if timeline.now[name] != digest and f"{name}:{timeline.tag}" not in own
    }

    async def read(target: Reference) -> tuple[str, Reference, Manifest]:
        image, digest = left[target]
        if digest is None:
            return image, target, tombstone_manifest(target)
        manifest = await registry.get(target.repository.pinned(digest))
        if manifest is None:
            raise IntegrityError(
                f"An interrupted promotion changed {target}, an image that this stack does not have. Its tag cannot be "
                f"put back to {digest}, which was deleted: delete the tag, then run this again."
            )
        return image, target, manifest

    return await plan_tag_updates(registry, await gather_or_raise(read, left))


def _notes(timeline: Timeline) -> tuple[str, ...]:
    record = timeline.interrupted
    mended = f"{explain_unfinished(timeline, record)} This promotion ends it." if record else ""
    return (*([mended] if mended else []), *explain_gone(timeline))
