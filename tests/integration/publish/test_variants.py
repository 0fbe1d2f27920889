"""Images that share a repository: each has its own tags there, and nothing of one is taken for another's."""

import anyio
import anyio.lowlevel
import msgspec
import pytest

from ci.commands.options import BuildOptions
from ci.oci.reference import Reference
from ci.oci.referrers import push_referrer
from ci.oci.registry import Manifest
from ci.publish.attestations import TEST_ATTESTATIONS, RunRecord, find_needs, find_test_attestation
from ci.reports.text import render_run
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.pipeline_harness import IMAGES, SHARED, TAG, Pipeline, results
from tests.integration.publish.whole import mixed
from tests.unit.build.fakes import FakeTester

pytestmark = pytest.mark.anyio
OTHER = "2026.4-bbbbbbb"
BUILT, REUSED = dict.fromkeys(IMAGES, "built"), dict.fromkeys(IMAGES, "reused")
TWIN = "FROM debian:12\nRUN twin\n"


class SlowRegistry(MemoryRegistry):
    """Answers later and later: what two write to one tag at the same moment, the later one overwrites."""

    def __init__(self) -> None:
        super().__init__(Contents())
        self._writes = 0

    async def get(self, reference: Reference) -> Manifest | None:
        await anyio.lowlevel.checkpoint()
        return await super().get(reference)

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        self._writes += 1
        for _ in range(10 * self._writes):
            await anyio.lowlevel.checkpoint()
        return await super().put(reference, manifest)


@pytest.fixture
def shared(pipeline: Pipeline) -> Pipeline:
    pipeline.form = SHARED
    return pipeline


def named(pipeline: Pipeline, path: str) -> dict[str, str]:
    """Return the tags of a repository that operators use."""
    tags = pipeline.server.contents.tags[path]
    return {tag: digest for tag, digest in tags.items() if not tag.startswith(("k-", "s-", "sha256-"))}


async def test_the_tags_of_a_variant_have_its_prefix(shared: Pipeline) -> None:
    shared.options = BuildOptions(publish=True, refresh=True)
    report = await shared.run()
    assert (results(report), report.exit_code) == (BUILT, 0)
    digests = {image.name: image.digest for image in report.images}
    assert set(shared.server.contents.tags) == {"stack/base", "stack/notebook"}
    found = named(shared, "stack/notebook")
    assert {tag: found[tag] for tag in found if not tag.endswith(("epoch", ".stacks"))} == {
        TAG: digests["ds"],
        f"gpu-{TAG}": digests["ml"],
        f"gpu-r-{TAG}": digests["r"],
    }
    assert {tag for tag in found if tag.endswith("epoch")} == {"epoch", "gpu-epoch", "gpu-r-epoch"}
    assert {tag for tag in found if tag.endswith(".stacks")} == {
        "2026.4.stacks",
        "gpu-2026.4.stacks",
        "gpu-r-2026.4.stacks",
    }
    assert set(named(shared, "stack/base")) == {TAG, "epoch", "epoch.begun", "2026.4.stacks"}
    assert (
        mixed(shared.server.contents, shared.stack(), repository=lambda name: shared.layout.repository(name).path) == []
    )


async def test_the_first_image_may_be_a_variant(pipeline: Pipeline) -> None:
    """It has the marker of a refresh that was begun, and the refresh is resumed by it."""
    pipeline.form = {"base": SHARED["r"]}
    await pipeline.run()
    pipeline.options = BuildOptions(publish=True, refresh=True)
    pipeline.tester = FakeTester(failing="r base/image")
    assert (await pipeline.run()).exit_code == 1
    assert "gpu-r-epoch.begun" in named(pipeline, "stack/notebook")
    pipeline.tester = FakeTester()
    assert results(await pipeline.run()) == {**REUSED, "r": "built"}


async def test_the_next_run_takes_what_is_there_and_asks_for_each_repository_once(shared: Pipeline) -> None:
    await shared.run()
    shared.server.seen.clear()
    report = await shared.run()
    assert (results(report), report.exit_code) == (REUSED, 0)
    assert shared.server.asked("PUT") == []
    assert len(shared.server.asked("POST", "/blobs/uploads/")) == 2  # of the preflight


async def test_a_changed_variant_leaves_the_others_as_they_are(shared: Pipeline) -> None:
    await shared.run()
    before = shared.stack()
    shared.commit = "b" * 40
    shared.files["images/ml/Dockerfile"] = "FROM ds\nRUN other\n"
    assert results(await shared.run()) == {**REUSED, "ml": "built"}
    after = shared.stack(OTHER)
    assert {name for name in IMAGES if after[name] != before[name]} == {"ml"}
    assert shared.stack() == before


async def test_records_and_reports_say_where_a_variant_is(shared: Pipeline) -> None:
    report = await shared.run()
    assert report.publication is not None
    record = msgspec.json.decode(report.publication.record, type=RunRecord)
    assert {image.name: str(image.place) for image in record.images} == {
        name: str(shared.layout.place(name)) for name in IMAGES
    }
    registry = f"{shared.server.host}/stack"
    published = render_run(report).splitlines()[-4:]
    assert published == [
        f"Published as {registry}/IMAGE:{TAG}: the tag was written for 4 images.",
        f"  ds: {registry}/notebook:{TAG}",
        f"  ml: {registry}/notebook:gpu-{TAG}",
        f"  r: {registry}/notebook:gpu-r-{TAG}",
    ]
    assert render_run(await shared.run()).splitlines()[-4] == (
        f"Already published: {registry}/IMAGE:{TAG} points to these images."
    )


async def test_what_another_variant_has_published_is_not_of_this_one(shared: Pipeline) -> None:
    """Without a record and a history, only the tags of the repository show that an image is new."""
    files = dict(shared.files)
    for name in ("ml", "r"):
        del shared.files[f"images/{name}/Dockerfile"]
    registry = MemoryRegistry(Contents())
    await shared.run_with(registry)
    shared.files = files | {"images/ds/Dockerfile": "FROM base\nRUN other\n"}
    shared.knows_history = False
    shared.commit = "b" * 40
    plan = await shared.plan(registry)
    assert {image.name: image.reason for image in plan.images} == {
        "base": plan.images[0].reason,
        "ds": "no history: unknown",
        "ml": "never published: first build",
        "r": "never published: first build",
    }


async def test_variants_with_the_same_sources_are_built_and_found_each_by_itself(pipeline: Pipeline) -> None:
    pipeline.files |= {"images/ds/Dockerfile": TWIN, "images/r/Dockerfile": TWIN}
    pipeline.form = SHARED
    assert results(await pipeline.run()) == BUILT
    digests = pipeline.stack()
    assert digests["ds"] != digests["r"]
    assert results(await pipeline.run()) == REUSED
    assert pipeline.stack() == digests
    pipeline.options = BuildOptions(publish=True, rebuild=("ds",))
    assert results(await pipeline.run()) == {**REUSED, "ds": "built", "ml": "built"}
    assert pipeline.stack()["r"] == digests["r"]


async def test_variants_that_are_one_image_by_digest_are_attested_each(shared: Pipeline) -> None:
    """Their attestations are attached to one digest at the same moment."""
    registry = SlowRegistry()
    shared.options = BuildOptions(publish=True, jobs=4)
    await shared.run_with(registry)
    repository = shared.layout.repository("ml")
    tags = registry.contents.tags[str(repository)]
    ds, ml, r = tags[TAG], tags[f"gpu-{TAG}"], tags[f"gpu-r-{TAG}"]
    tags.update({tag: ds for tag in tags if tags[tag] == r})
    assert ml != ds != r
    shared.files["images/base/tests/image/test_base.py"] = "# more"
    report = await shared.run_with(registry)
    assert (report.exit_code, results(report)) == (0, REUSED)
    found = await TEST_ATTESTATIONS.find(registry, repository, ds)
    assert len({one.key for one in found if one.started == report.started}) == 2
    shared.tester = FakeTester()
    assert results(await shared.run_with(registry)) == REUSED
    assert shared.tester.ran == []


async def test_an_image_finds_its_own_attestation_at_a_digest_that_another_has_too(shared: Pipeline) -> None:
    registry = MemoryRegistry()
    await shared.run_with(registry)
    repository = shared.layout.repository("ml")
    digest = registry.contents.tags[str(repository)][TAG]
    manifest = await registry.get(repository.pinned(digest))
    (first,) = await TEST_ATTESTATIONS.find(registry, repository, digest)
    other = msgspec.structs.replace(first, key="0" * 64, needs={"another": digest})
    assert manifest is not None
    await push_referrer(registry, repository, manifest.descriptor, TEST_ATTESTATIONS.artifact(other))
    for one in (first, other):
        assert await find_test_attestation(registry, repository, digest, first.suites, one.key) == one
        assert await find_needs(registry, repository, digest, one.key) == one.needs
    assert await find_test_attestation(registry, repository, digest, first.suites, "unknown") in (first, other)
