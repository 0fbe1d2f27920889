"""When nothing is deleted, and why."""

import pytest

from ci.commands.tidy import TidyOptions
from ci.errors import ExternalError, RequestError
from ci.reports.retention import render_swept
from ci.retention.model import Policy
from tests.integration.adapters.oci.images import stored
from tests.integration.cleanup.tidying import YEAR, publish, stack_tag, state, tidied
from tests.integration.promotion.published import STABLE
from tests.integration.publish.pipeline_harness import Pipeline

pytestmark = pytest.mark.anyio


async def fill(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        for number, days in enumerate((200, 190, 180, 20, 10, 1)):
            await publish(pipeline, registry, number, "ml", days=days)


async def refused(pipeline: Pipeline, match: str, options: TidyOptions = YEAR) -> None:
    async with pipeline.client as registry:
        before = await state(pipeline, registry)
        with pytest.raises(ExternalError, match=match):
            await tidied(pipeline, registry, options)
        assert await state(pipeline, registry) == before


@pytest.mark.parametrize("tag", [f"{STABLE}.history", "gpu-2026.4-stable.history", "2026.4.stacks"])
async def test_a_history_or_list_that_cannot_be_read(pipeline: Pipeline, tag: str) -> None:
    await fill(pipeline)
    stored(pipeline.server, tag, path=pipeline.layout.repository("base").path)
    await refused(pipeline, rf"Nothing was deleted: not all of the registry can be read.*base:{tag} is not a")


async def test_more_than_half(pipeline: Pipeline) -> None:
    await fill(pipeline)
    policy = Policy(keep_last=1, keep_days=0)
    fewer = TidyOptions(policy=policy, delete=True, most=20)
    await refused(pipeline, r"4 of 9 images would go, more than 20 %.*allow it with --most 45\.$", fewer)
    async with pipeline.client as registry:
        result = await tidied(pipeline, registry, TidyOptions(policy=policy, delete=True, most=45))
        assert result.swept is not None
        assert result.swept.images == 4


async def test_a_registry_that_deletes_nothing(pipeline: Pipeline) -> None:
    await fill(pipeline)
    pipeline.server.contents.deletes = False
    await refused(pipeline, "Nothing was deleted: .* does not support deleting .*405")


async def test_a_dry_run_writes_nothing(pipeline: Pipeline) -> None:
    await fill(pipeline)
    async with pipeline.client as registry:
        seen = len(pipeline.server.seen)
        result = await tidied(pipeline, registry, TidyOptions(policy=YEAR.policy))
        assert result.swept is None
        assert result.plan.images_going == 3
        assert {request.method for request in pipeline.server.seen[seen:]} == {"GET", "HEAD"}


async def test_an_error_midway_says_what_was_done_and_the_next_run_finishes(pipeline: Pipeline) -> None:
    await fill(pipeline)
    async with pipeline.client as registry:
        pipeline.server.fault("DELETE", "/ml/manifests/", lambda _request, _serve: None, at=3, times=9)
        result = await tidied(pipeline, registry)
        assert result.swept is not None
        text = render_swept(result.swept)
        assert text.startswith("Deleted: 1 image, ")
        assert "The rest was not deleted: " in text
        pipeline.server.faults.clear()
        again = await tidied(pipeline, registry)
        assert again.swept is not None
        assert (again.swept.images, again.swept.problems) == (2, ())
        assert (await tidied(pipeline, registry)).plan.is_empty
        left = {tag.rpartition(":")[2] for tag in await state(pipeline, registry)}
        assert not {*map(stack_tag, range(3))} & left


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (TidyOptions(policy=Policy(keep_last=0)), "--keep-last must be at least 1"),
        (TidyOptions(policy=Policy(keep_days=-1)), "--keep-days must not be negative"),
        (TidyOptions(most=0), "--most must be from 1 to 100"),
        (TidyOptions(most=101), "--most must be from 1 to 100"),
    ],
)
async def test_options_that_cannot_be_meant(pipeline: Pipeline, options: TidyOptions, problem: str) -> None:
    async with pipeline.client as registry:
        with pytest.raises(RequestError, match=problem):
            await tidied(pipeline, registry, options)
    assert pipeline.server.seen == []
