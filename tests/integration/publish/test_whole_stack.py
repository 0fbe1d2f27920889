"""A tag is a whole stack: whatever an earlier run left behind, no tag mixes builds of one image."""

import pytest

from ci.commands.options import BuildOptions
from tests.integration.adapters.oci.faults import refusing
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Pipeline, results
from tests.integration.publish.whole import mixed

pytestmark = pytest.mark.anyio
OTHER = "2026.4-bbbbbbb"
REBUILD = BuildOptions(publish=True, rebuild=("all",))


async def next_commit(pipeline: Pipeline) -> dict[str, str]:
    """Publish another commit with nothing in the way; return the digests of its stack."""
    pipeline.server.faults.clear()
    pipeline.options = BuildOptions(publish=True)
    pipeline.commit = "b" * 40
    report = await pipeline.run()
    assert report.exit_code == 0, report.publication
    return dict(pipeline.stack(OTHER))


@pytest.mark.parametrize("image", IMAGES)
async def test_a_cache_tag_that_was_refused_leads_to_no_mixed_stack(pipeline: Pipeline, image: str) -> None:
    await pipeline.run()
    pipeline.server.fault("PUT", f"/stack/{image}/manifests/k-", refusing(500), times=1000)
    pipeline.options = REBUILD
    assert (await pipeline.run()).exit_code == 1
    digests = await next_commit(pipeline)
    assert mixed(pipeline.server.contents, digests) == []


@pytest.mark.parametrize("image", IMAGES)
async def test_what_an_interrupted_rebuild_left_completes_the_stack_without_a_build(
    pipeline: Pipeline, image: str
) -> None:
    await pipeline.run()
    before = pipeline.stack()
    pipeline.server.fault("PUT", f"/stack/{image}/manifests/k-", refusing(500), times=1000)
    pipeline.options = REBUILD
    await pipeline.run()
    pipeline.server.faults.clear()
    pipeline.options = BuildOptions(publish=True)
    report = await pipeline.run()
    if image == "base":  # its old build is what the cache tag points to
        assert mixed(pipeline.server.contents, pipeline.stack()) == []
        return
    assert results(report) == dict.fromkeys(IMAGES, "reused")
    assert all(pipeline.stack()[name] != before[name] for name in IMAGES)
    assert mixed(pipeline.server.contents, pipeline.stack()) == []


@pytest.mark.parametrize("image", IMAGES)
async def test_a_run_that_dies_between_uploads_leads_to_no_mixed_stack(pipeline: Pipeline, image: str) -> None:
    """Without cache tags, images are found by their staging tags and attestations alone."""
    pipeline.server.fault("PUT", "/manifests/k-", refusing(403), times=1000)
    assert (await pipeline.run()).exit_code == 1
    pipeline.options = REBUILD
    pipeline.server.fault("PUT", f"/stack/{image}/manifests/s-", refusing(403), times=1000)
    assert (await pipeline.run()).exit_code == 1
    assert mixed(pipeline.server.contents, await next_commit(pipeline)) == []


async def test_two_runs_that_build_one_key_lead_to_no_mixed_stack(pipeline: Pipeline) -> None:
    """The second run overwrites the cache tags of some images of the first."""
    await pipeline.run()
    contents = pipeline.server.contents
    first = {name: dict(tags) for name, tags in pipeline.tags("k-").items()}
    pipeline.options = REBUILD
    await pipeline.run()
    for name in ("base", "r"):
        contents.tags[f"stack/{name}"].update(first[name])
    assert mixed(contents, await next_commit(pipeline)) == []


async def test_publishing_proves_that_all_images_fit_before_the_first_tag(pipeline: Pipeline) -> None:
    """A run that mixes up what it built writes nothing: planted by an engine that pushes another parent."""
    await pipeline.run()
    before = pipeline.tags()
    pipeline.options = REBUILD
    pipeline.commit = "b" * 40
    pipeline.confused = True
    report = await pipeline.run()
    assert report.exit_code == 1
    assert report.publication is not None
    assert "These images are not one stack" in report.publication.failure
    assert "ds does not begin with the layers of base" in report.publication.failure
    after = pipeline.tags()
    assert {name: {tag for tag in tags if not tag.startswith(("s-", "sha256"))} for name, tags in after.items()} == {
        name: {tag for tag in tags if not tag.startswith(("s-", "sha256"))} for name, tags in before.items()
    }
    assert pipeline.stack(TAG) == {name: tags[TAG] for name, tags in before.items()}
