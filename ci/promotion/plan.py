"""Promotion: the images of a run become stable, all of them or none."""

from collections.abc import Mapping, Sequence

from ci.errors import RequestError
from ci.oci.concurrency import gather_or_raise
from ci.oci.registry import IntegrityError, Manifest, Registry
from ci.oci.tag_update import TagUpdate, plan_tag_updates
from ci.oci.tombstone import tombstone_manifest
from ci.promotion.apply import PromotionPlan, StackTarget, to_record
from ci.promotion.explain import explain_gone, explain_unfinished
from ci.promotion.history import collect_history
from ci.promotion.records import GateApproval, Kind, PromotionRecord
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RecordedImage, RunRecord
from ci.publish.tags import Place
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
    wanted = {
        StackTarget(image.name, image.place, tag): manifest
        for image, manifest in zip(run.images, manifests, strict=True)
        for tag in tags
    }
    updates = await _plan_updates(registry, wanted)
    timelines = {tag: await _timeline(registry, updates, tag) for tag in tags}
    for timeline in timelines.values():
        updates |= await _put_back(registry, timeline, updates)
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.PROMOTION,
            number=1 + max(timeline.last_number for timeline in timelines.values()),
            at=at,
            source=run.tag,
            commit=run.commit,
            run=run.started,
            moves=tuple(to_record(target, update, timelines[target.tag].whole) for target, update in updates.items()),
            proof=approval,
        ),
        updates=tuple(updates.values()),
        is_mending=any(timeline.interrupted for timeline in timelines.values()),
        notes=tuple(note for timeline in timelines.values() for note in _notes(timeline)),
    )


async def read_image(registry: Registry, image: RecordedImage) -> Manifest:
    """Return the manifest of an image that a run published. Raises IntegrityError if it no longer exists."""
    manifest = await registry.get(image.reference)
    if manifest is None:
        raise IntegrityError(f"{image.reference} disappeared during the promotion. Is a clean-up job deleting images?")
    return manifest


async def _plan_updates(registry: Registry, wanted: Mapping[StackTarget, Manifest]) -> dict[StackTarget, TagUpdate]:
    updates = await plan_tag_updates(
        registry, [(target.image, target.reference, manifest) for target, manifest in wanted.items()]
    )
    return dict(zip(wanted, updates, strict=True))


async def _timeline(registry: Registry, updates: Mapping[StackTarget, TagUpdate], tag: str) -> Timeline:
    known = {target.place: update.old for target, update in updates.items() if target.tag == tag}
    now = {str(place): old.digest if old else None for place, old in known.items()}
    return await collect_history(registry, known, tag, now)


async def _put_back(
    registry: Registry, timeline: Timeline, updates: Mapping[StackTarget, TagUpdate]
) -> dict[StackTarget, TagUpdate]:
    """Return the updates of images that the run does not have, where an interrupted promotion changed their tag."""
    own = {str(target.place) for target in updates if target.tag == timeline.tag}
    names: Mapping[str, str] = {one.place: one.image for entry in timeline.entries for one in entry.record.moves}
    left = {
        StackTarget(names[place], Place.parse(place), timeline.tag): digest
        for place, digest in timeline.whole.items()
        if timeline.now[place] != digest and place not in own
    }

    async def read(target: StackTarget) -> Manifest:
        digest = left[target]
        if digest is None:
            return tombstone_manifest(target.reference)
        manifest = await registry.get(target.place.pinned(digest))
        if manifest is None:
            raise IntegrityError(
                f"An interrupted promotion changed {target.reference}, an image that this stack does not have. Its tag "
                f"cannot be put back to {digest}, which was deleted: delete the tag, then run this again."
            )
        return manifest

    return await _plan_updates(registry, dict(zip(left, await gather_or_raise(read, left), strict=True)))


def _notes(timeline: Timeline) -> tuple[str, ...]:
    record = timeline.interrupted
    mended = f"{explain_unfinished(timeline, record)} This promotion ends it." if record else ""
    return (*([mended] if mended else []), *explain_gone(timeline))
