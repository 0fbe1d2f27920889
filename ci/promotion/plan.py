"""Promotion: the images of a run become stable, all of them or none."""

from collections.abc import Sequence

from ci.errors import RequestError
from ci.oci.concurrency import gather_or_raise
from ci.oci.registry import IntegrityError, Manifest, Registry
from ci.oci.tag_update import plan_tag_updates
from ci.promotion.apply import PromotionPlan, to_record
from ci.promotion.history import read_history
from ci.promotion.records import GateApproval, Kind, PromotionRecord
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
    repositories = [image.reference.repository for image in run.images]
    histories = [await read_history(registry, repositories, tag) for tag in tags]
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.PROMOTION,
            number=1 + max((record.number for history in histories for record in history), default=0),
            at=at,
            source=run.tag,
            commit=run.commit,
            run=run.started,
            moves=tuple(to_record(update) for update in updates),
            proof=approval,
        ),
        updates=updates,
    )


async def read_image(registry: Registry, image: RecordedImage) -> Manifest:
    """Return the manifest of an image that a run published. Raises IntegrityError if it no longer exists."""
    manifest = await registry.get(image.reference)
    if manifest is None:
        raise IntegrityError(f"{image.reference} disappeared during the promotion. Is a clean-up job deleting images?")
    return manifest
