"""A refresh that is interrupted is finished by the same command; the next one is a new one."""

from datetime import timedelta

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.commands.options import BuildOptions
from tests.integration.adapters.oci.faults import refusing
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Pipeline, results
from tests.integration.publish.whole import mixed
from tests.unit.build.fakes import FakeTester

pytestmark = pytest.mark.anyio
REFRESH = BuildOptions(publish=True, refresh=True)
BUILT, REUSED = dict.fromkeys(IMAGES, "built"), dict.fromkeys(IMAGES, "reused")


async def begun(pipeline: Pipeline) -> None:
    """Publish, and begin a refresh that ends red because of one image's tests."""
    await pipeline.run()
    pipeline.options = REFRESH
    pipeline.tester = FakeTester(failing="r base/image")
    assert (await pipeline.run()).exit_code == 1
    pipeline.tester = FakeTester()


async def test_the_same_command_finishes_a_red_refresh(pipeline: Pipeline) -> None:
    await begun(pipeline)
    report = await pipeline.run()
    assert results(report) == {**REUSED, "r": "built"}
    assert report.exit_code == 0
    assert mixed(pipeline.server.contents, pipeline.stack()) == []


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("tag", ["epoch$", "k-", TAG])
async def test_the_same_command_finishes_a_refresh_whose_tags_were_refused(
    pipeline: Pipeline, image: str, tag: str
) -> None:
    await pipeline.run()
    before = dict(pipeline.stack())
    pipeline.options = REFRESH
    pipeline.server.fault("PUT", f"/stack/{image}/manifests/{tag}", refusing(403), times=1000)
    report = await pipeline.run()
    assert (results(report), report.exit_code) == (BUILT, 1)
    assert report.publication is not None
    assert "Run the same command again" in report.publication.failure
    pipeline.server.faults.clear()
    report = await pipeline.run()
    assert report.exit_code == 0
    assert mixed(pipeline.server.contents, pipeline.stack()) == []
    assert all(pipeline.stack()[name] != before[name] for name in IMAGES)
    assert results(report) == REUSED


async def test_a_refresh_after_a_finished_one_is_a_new_one(pipeline: Pipeline) -> None:
    await begun(pipeline)
    assert (await pipeline.run()).exit_code == 0
    first = dict(pipeline.stack())
    assert results(await pipeline.run()) == BUILT
    assert all(pipeline.stack()[name] != first[name] for name in IMAGES)
    pipeline.options = BuildOptions(publish=True)
    assert results(await pipeline.run()) == REUSED


async def test_next_weeks_refresh_does_not_resume_last_weeks(pipeline: Pipeline) -> None:
    await begun(pipeline)
    pipeline.later = timedelta(days=7)
    assert results(await pipeline.run()) == BUILT


async def test_a_plan_shows_what_is_left_of_a_refresh(pipeline: Pipeline) -> None:
    await begun(pipeline)
    async with HttpRegistry(Endpoint(host=pipeline.server.host)) as registry:
        assert (await pipeline.plan(registry)).to_build == ("r",)


async def test_a_marker_that_something_else_wrote_means_a_new_refresh(pipeline: Pipeline) -> None:
    await begun(pipeline)
    contents = pipeline.server.contents
    contents.tags["stack/base"]["epoch.begun"] = contents.tags["stack/base"][TAG]
    assert results(await pipeline.run()) == BUILT
