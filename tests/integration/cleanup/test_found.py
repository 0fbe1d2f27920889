"""What is found: images that the stack no longer has, variants, and records that a clean-up deleted."""

import pytest

from ci.promotion.source_run import find_published_run
from ci.registry_format import PROMOTION_RECORD
from ci.retention.model import Reason, RepositoryPlan, RetentionPlan
from tests.integration.cleanup.tidying import publish, stack_tag, tidied
from tests.integration.promotion.published import PublishedStack
from tests.integration.publish.pipeline_harness import IMAGES, SHARED, Pipeline

pytestmark = pytest.mark.anyio


def of(plan: RetentionPlan, name: str) -> RepositoryPlan:
    return next(one for one in plan.repositories if one.repository.path.endswith(f"/{name}"))


@pytest.mark.parametrize("how", ["removed", "disabled"])
async def test_old_images_go_that_the_stack_no_longer_has(pipeline: Pipeline, how: str) -> None:
    async with pipeline.client as registry:
        await publish(pipeline, registry, 0, days=200)
        if how == "removed":
            del pipeline.files["images/r/Dockerfile"]
        else:
            pipeline.files["images/stack.toml"] += "[images.r]\nenabled = false\nreason = 'unused'\n"
        for number, days in enumerate((20, 10, 1), 1):
            await publish(pipeline, registry, number, "ml", days=days)
        if how == "disabled":
            # No record says any more where it is.
            for name in IMAGES:
                pipeline.server.contents.tags[pipeline.layout.repository(name).path].pop("2026.4.stacks", None)
        result = await tidied(pipeline, registry)
        assert len(of(result.plan, "r").going) == 1
        left = await registry.tags(pipeline.layout.repository("r"))
        assert [tag for tag in left if tag.startswith(("k-", "s-", "2026.4-"))] == []


async def test_variants_that_share_a_repository_go_each_with_its_stack(pipeline: Pipeline) -> None:
    pipeline.form = SHARED
    async with pipeline.client as registry:
        await publish(pipeline, registry, 0, "ml", days=200)
        for number, days in enumerate((20, 10, 1), 1):
            await publish(pipeline, registry, number, "ml", days=days)
        repository = pipeline.layout.repository("ml")
        assert f"gpu-{stack_tag(0)}" in await registry.tags(repository)
        result = await tidied(pipeline, registry)
        plan = of(result.plan, "notebook")
        assert [one.reason for one in plan.going] == [Reason.OLD_STACK]
        assert set(plan.untagged) == {stack_tag(0), f"gpu-r-{stack_tag(0)}"}
        left = [tag for tag in await registry.tags(repository) if stack_tag(0) in tag]
        assert left == []
        places = {name: pipeline.layout.place(name) for name in IMAGES}
        assert (await find_published_run(registry, places, stack_tag(3))).tag == stack_tag(3)


async def test_images_of_another_registry_are_left_alone(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        await publish(pipeline, registry, 0, "ml", days=200)
        for number, days in enumerate((20, 10, 1), 1):
            await publish(pipeline, registry, number, "ml", days=days)
        # The registry was copied to another place: its records say where its images were before.
        contents = pipeline.server.contents
        for kind in (contents.manifests, contents.tags, contents.blobs):
            for path in [path for path in kind if path.startswith("stack/")]:
                kind[path.replace("stack/", "stacks/")] = kind[path].copy()  # type: ignore[assignment]
        pipeline.name = pipeline.name.replace("/stack", "/stacks")
        result = await tidied(pipeline, registry)
        assert {one.repository.path.partition("/")[0] for one in result.plan.repositories} == {"stacks"}
        assert stack_tag(0) in contents.tags["stack/ml"]


async def test_what_a_deleted_promotion_record_is_about_stays(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        await publish(pipeline, registry, 0, "ml", days=200)
        places = {name: pipeline.layout.place(name) for name in IMAGES}
        operator = PublishedStack(registry, pipeline.server.host, IMAGES)
        operator.places = places
        old = await find_published_run(registry, places, stack_tag(0))
        await operator.promote(old)
        for number, days in enumerate((20, 10, 1), 1):
            await publish(pipeline, registry, number, "ml", days=days)
        await operator.promote(await find_published_run(registry, places, stack_tag(3)))
        for manifests in pipeline.server.contents.manifests.values():
            for digest in [one for one, manifest in manifests.items() if PROMOTION_RECORD.encode() in manifest.content]:
                if b'"subject"' in manifests[digest].content:
                    del manifests[digest]
        result = await tidied(pipeline, registry)
        assert of(result.plan, "ml").staying[old.by_name["ml"].digest] is Reason.STABLE
