"""Promotion: the images of a run become stable, all of them or none."""

from collections.abc import Sequence

from ci.errors import RequestError
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference, Repository
from ci.oci.registry import IntegrityError, Manifest, Registry
from ci.oci.tag_update import plan_tag_updates
from ci.promotion.apply import PromotionPlan, recorded
from ci.promotion.history import read_history
from ci.promotion.records import GateApproval, Kind, PromotionRecord
from ci.publish.attestations import RecordedImage, RunRecord
from ci.publish.tags import stable_tag


async def plan_promotion(
    registry: Registry, run: RunRecord, proof: GateApproval | None, *, at: str, also: Sequence[str] = ()
) -> PromotionPlan:
    """Return what promoting the images of a run changes: what their stable tag, and the tags `also`, name.

    `at` is the time now, RFC 3339, UTC. Without a proof the change is to look at, and not to be carried out. Reads,
    and writes nothing.
    """
    tags = (stable_tag(run.tag), *also)
    if run.tag in tags or len(set(tags)) < len(tags):
        raise RequestError(f"{', '.join(tags)} cannot be moved together to {run.tag}: each must be a tag of its own.")
    manifests = await gather_or_raise(lambda image: read_image(registry, image), run.images)
    wanted = [
        (image.name, _target(image, tag), manifest)
        for image, manifest in zip(run.images, manifests, strict=True)
        for tag in tags
    ]
    moves = await plan_tag_updates(registry, wanted)
    known = [await read_history(registry, _repositories(run), tag) for tag in tags]
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.PROMOTION,
            number=1 + max((record.number for records in known for record in records), default=0),
            at=at,
            source=run.tag,
            commit=run.commit,
            run=run.started,
            moves=tuple(recorded(move) for move in moves),
            proof=proof,
        ),
        moves=moves,
    )


def _repositories(run: RunRecord) -> tuple[Repository, ...]:
    return tuple(Repository.parse(image.repository) for image in run.images)


def _target(image: RecordedImage, tag: str) -> Reference:
    return Repository.parse(image.repository).tagged(tag)


async def read_image(registry: Registry, image: RecordedImage) -> Manifest:
    """Return the manifest of an image that a run published. Raises IntegrityError if it is there no more."""
    name = Repository.parse(image.repository).pinned(image.digest)
    manifest = await registry.get(name)
    if manifest is None:
        raise IntegrityError(f"{name} is gone, which was there a moment ago: somebody deletes images at the same time.")
    return manifest
