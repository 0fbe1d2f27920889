"""A stack that runs publish in any registry, and its promotions."""

from collections.abc import Mapping, Sequence

from ci.oci.referrers import push_referrer
from ci.oci.registry import Manifest, Registry
from ci.oci.tombstone import read_digest
from ci.planning.decisions import Action
from ci.promotion.apply import PromotionPlan, apply
from ci.promotion.history import collect_history
from ci.promotion.plan import plan_promotion
from ci.promotion.records import GateApproval
from ci.promotion.rollback import plan_rollback
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RUN_RECORDS, RecordedImage, RecordedTests, RunRecord
from ci.publish.tags import Place, RelativePlace, TagLayout
from ci.stack.stack_tag import StackTag
from tests.integration.adapters.oci.contents import image_manifest

NAMES = ("base", "datascience", "rstudio", "scipy-ml")
GPU_IMAGE = "scipy-ml"
STABLE = "2026.4-stable"
Form = Mapping[str, RelativePlace]
OWN: Form = {}
# The prefix of one begins with that of another, and one has none.
SHARED: Form = {
    "datascience": RelativePlace("notebook"),
    "rstudio": RelativePlace("notebook", "r-"),
    "scipy-ml": RelativePlace("notebook", "r-ml-"),
}
FORMS = {"own repositories": OWN, "one repository": SHARED}
ACCEPTED = GateApproval(override_reason="no GPU was free, and only the text of a page changed")
NOW = "2026-11-25T08:00:00Z"


class PublishedStack:
    """A registry, and the places of a stack's images in it, as an operator publishes, promotes and rolls back."""

    def __init__(self, registry: Registry, host: str, names: Sequence[str] = NAMES, form: Form = OWN) -> None:
        self.registry = registry
        self.form, self._host = form, host
        layout = TagLayout(registry=f"{host}/ucsdets", places=form)
        self.places: Mapping[str, Place] = {name: layout.place(name) for name in names}

    def part(self, names: Sequence[str]) -> "PublishedStack":
        """Return a stack of some of the images, or of more, in the same registry and the same form."""
        return PublishedStack(self.registry, self._host, names, self.form)

    async def image(self, name: str, layer: bytes) -> Manifest:
        config = b'{"os":"linux"}'
        for blob in (config, layer):
            await self.registry.put_blob(self.places[name].repository, blob)
        return image_manifest(config, layer)

    async def publish(
        self, tag: str, *, started: str = "2026-11-24T08:00:00Z", layers: Mapping[str, bytes] | None = None
    ) -> RunRecord:
        """Publish all images under a tag as a run does; those without a layer given have one of the tag."""
        manifests = {
            name: await self.image(name, (layers or {}).get(name, f"{name} of {tag}".encode())) for name in self.places
        }
        record = RunRecord(
            tag=tag,
            commit=StackTag.parse(tag).commit,
            started=started,
            seconds=1,
            images=tuple(recorded(name, self.places[name], manifest) for name, manifest in manifests.items()),
        )
        for name, manifest in manifests.items():
            place = self.places[name]
            await self.registry.put(place.tagged(tag), manifest)
            await push_referrer(self.registry, place.repository, manifest.descriptor, RUN_RECORDS.artifact(record))
        return record

    async def plan(self, run: RunRecord, *also: str) -> PromotionPlan:
        return await plan_promotion(self.registry, run, ACCEPTED, at=NOW, also=also)

    async def promote(self, run: RunRecord, *also: str) -> PromotionPlan:
        change = await self.plan(run, *also)
        assert await apply(self.registry, change) == ()
        return change

    async def history(self, tag: str = STABLE) -> Timeline:
        return await collect_history(self.registry, self.places.values(), tag)

    async def roll_back(self, to: str = "", tag: str = STABLE) -> PromotionPlan:
        change = await plan_rollback(self.registry, await self.history(tag), at=NOW, to=to)
        assert await apply(self.registry, change) == ()
        return change

    async def digests(self, tag: str = STABLE) -> dict[str, str | None]:
        """Return the digest that a tag points to for each image."""
        return {name: await read_digest(self.registry, place.tagged(tag), ()) for name, place in self.places.items()}


def recorded(name: str, place: Place, manifest: Manifest) -> RecordedImage:
    return RecordedImage(
        name=name,
        repository=str(place.repository),
        tag_prefix=place.tag_prefix,
        digest=manifest.digest,
        key="0" * 64,
        action=Action.BUILD,
        reason="files",
        size=5,
        seconds=1,
        tests=RecordedTests(suites="1" * 64, passed=3, skipped=0, flaky=0),
        epoch="",
        build_args={},
        bases={},
    )


def digests_of(run: RunRecord) -> dict[str, str | None]:
    return {image.name: image.digest for image in run.images}
