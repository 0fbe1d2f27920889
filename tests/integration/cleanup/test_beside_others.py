"""Tidying while others publish and promote: their writes are planted right where they would do harm."""

from collections.abc import Awaitable, Callable, Collection

import pytest

from ci.cleanup.registry_remover import RegistryRemover
from ci.commands.describe import read_tag
from ci.errors import ExternalError
from ci.oci.reference import Reference
from ci.oci.referrers import Artifact, push_referrer
from ci.oci.registry import Registry
from ci.promotion.source_run import find_published_run
from ci.publish.attestations import find_needs
from ci.registry_format import TEST_ATTESTATION
from tests.integration.adapters.oci.faults import Reply, Request
from tests.integration.cleanup.tidying import publish, stack_tag, state, tidied
from tests.integration.promotion.published import STABLE, PublishedStack
from tests.integration.publish.pipeline_harness import IMAGES, Pipeline

pytestmark = pytest.mark.anyio

Act = Callable[[], Awaitable[object]]


class Interrupted(RegistryRemover):
    """Somebody else acts before or after the first deletion of an image of ml."""

    def __init__(self, registry: Registry, act: Act, *, before: bool) -> None:
        super().__init__(registry)
        self._act: Act | None = act
        self._before = before

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:
        act = self._act if tags and manifest.repository.path.endswith("/ml") else None
        if act:
            self._act = None
        if act and self._before:
            await act()
        await super().delete(manifest, tags)
        if act and not self._before:
            await act()


async def old_stacks(pipeline: Pipeline, registry: Registry) -> None:
    """Publish five stacks, of which the first two are old, and go back to the sources of the first."""
    await publish(pipeline, registry, 0, "ml", days=200)
    first = dict(pipeline.files)
    for number, days in enumerate((190, 20, 10, 1), 1):
        await publish(pipeline, registry, number, "ml", days=days)
    pipeline.files = first


@pytest.mark.parametrize("when", ["before the deletion", "after the deletion"])
async def test_a_stack_that_is_published_meanwhile_is_whole(pipeline: Pipeline, when: str) -> None:
    before = when.startswith("before")
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)

        async def publish_again() -> None:
            await publish(pipeline, registry, 7)

        result = await tidied(pipeline, registry, remover=Interrupted(registry, publish_again, before=before))
        assert result.swept is not None
        assert result.swept.problems == ()
        places = {name: pipeline.layout.place(name) for name in IMAGES}
        run = await find_published_run(registry, places, stack_tag(7))
        for image in run.images:
            assert await registry.get(image.reference), image.name
        assert len(result.swept.in_use) == (1 if before else 0)
        published = await read_tag(pipeline.stack_of(pipeline.tree()), pipeline.session(registry), stack_tag(7))
        assert published.stack.missing == {}
        for one in published.images:
            assert await find_needs(registry, one.place.repository, one.digest, "") or one.name == "base"


async def test_an_image_that_is_published_between_reading_and_deleting_stays(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)
        remover = Acting(registry, lambda: publish(pipeline, registry, 7))
        result = await tidied(pipeline, registry, remover=remover)
        assert result.swept is not None
        assert "was published or tagged since" in result.swept.in_use[0]
        assert (await pipeline.run_with(registry)).exit_code == 0
        assert {stack_tag(7)} <= {tag.rpartition(":")[2] for tag in await state(pipeline, registry)}


async def test_an_image_to_which_anything_was_attached_since_stays(pipeline: Pipeline) -> None:
    """A run that tests it again attaches that it passed long before it writes a tag."""
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)
        repository = pipeline.layout.repository("ml")
        old = await registry.get(repository.tagged(stack_tag(0)))
        assert old is not None
        passed = Artifact(type=TEST_ATTESTATION, media_type="application/json", content=b"{}")
        remover = Acting(registry, lambda: push_referrer(registry, repository, old.descriptor, passed))
        result = await tidied(pipeline, registry, remover=remover)
        assert result.swept is not None
        assert len(result.swept.in_use) == 1
        assert pipeline.server.asked("DELETE", old.digest) == []
        assert await registry.head(repository.pinned(old.digest)) == old.digest
        assert await registry.head(repository.tagged(stack_tag(1))) is None


class Acting(RegistryRemover):
    """Somebody acts when it is tried whether anything can be deleted: after the registry was read."""

    def __init__(self, registry: Registry, act: Act) -> None:
        super().__init__(registry)
        self._act: Act | None = act

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:
        act, self._act = self._act, None
        if act:
            await act()
        await super().delete(manifest, tags)


async def test_a_tag_that_somebody_writes_by_hand_keeps_its_image(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)
        repository = pipeline.layout.repository("ml")
        old = await registry.get(repository.tagged(stack_tag(0)))
        assert old is not None
        await tidied(
            pipeline, registry, remover=Acting(registry, lambda: registry.put(repository.tagged("latest"), old))
        )
        assert await registry.head(repository.tagged("latest")) == old.digest
        assert await registry.head(repository.tagged(stack_tag(1))) is None


async def test_a_promotion_that_is_under_way_keeps_its_images(pipeline: Pipeline) -> None:
    """It has attached and listed its record, and writes its tags only after the deletion."""
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)
        operator = PublishedStack(registry, pipeline.name.removesuffix("/stack"), IMAGES)
        operator.places = {name: pipeline.layout.place(name) for name in IMAGES}
        run = await find_published_run(registry, operator.places, stack_tag(0))
        for before in (True, False):
            await tidied(
                pipeline, registry, remover=Interrupted(registry, lambda: operator.promote(run), before=before)
            )
            assert {*(await operator.digests(STABLE)).values()} == {image.digest for image in run.images}


async def test_a_stable_tag_that_changed_since_the_registry_was_read_stops_it(pipeline: Pipeline) -> None:
    async with pipeline.client as registry:
        await old_stacks(pipeline, registry)
        repository = pipeline.layout.repository("ml")
        old = await registry.get(repository.tagged(stack_tag(0)))
        assert old is not None
        before = await state(pipeline, registry)

        def promote(_request: Request, serve: Callable[[], Reply]) -> Reply:
            pipeline.server.contents.tags[repository.path][STABLE] = old.digest
            return serve()

        pipeline.server.fault("GET", "/ml/tags/list", promote, at=2)
        with pytest.raises(
            ExternalError, match=rf"ml:{STABLE} points to sha256:.*, which would be deleted. Nothing was"
        ):
            await tidied(pipeline, registry)
        assert {**before, str(repository.tagged(STABLE)): old.digest} == await state(pipeline, registry)
