"""Promotion in Docker's own registry, with TLS and a password: no layer is copied, and what fails is restored."""

import itertools
import time
from collections.abc import Callable

import httpx
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.oci.reference import Reference
from ci.oci.registry import AccessError, Manifest
from ci.oci.tag_update import plan_tag_updates, update_tags
from ci.oci.tag_update_errors import TagUpdateError
from ci.promotion.apply import PromotionPlan, apply
from ci.promotion.source_run import find_published_run
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.promotion.published import FORMS, NAMES, OWN, STABLE, Form, PublishedStack, digests_of

pytestmark = pytest.mark.anyio

A, B = "2026.4-aaaaaa1", "2026.4-bbbbbb2"
LAYER = 3_000_000
NUMBERS = itertools.count()


def wanted(plan: PromotionPlan) -> list[tuple[str, Reference, Manifest]]:
    return [(update.image, update.target, update.new) for update in plan.updates]


class Counted(HttpRegistry):
    """Counts requests and bytes of content, both ways, of manifests and of blobs."""

    def __init__(self, debian: DebianRegistry) -> None:
        super().__init__(debian.endpoint)
        self.requests = 0
        self.manifest_bytes = 0
        self.blob_sizes: list[int] = []

    async def count(self, response: httpx.Response) -> None:
        self.requests += 1
        given = 0 if response.request.method == "HEAD" else int(response.headers.get("content-length", "0"))
        size = given + len(response.request.content)
        if "/manifests/" in response.request.url.path:
            self.manifest_bytes += size
        elif size:
            self.blob_sizes.append(size)


class Refusing(HttpRegistry):
    """Refuses writes to one tag."""

    forbidden: Reference | None = None

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        if reference == self.forbidden:
            raise AccessError(f"{reference} may not be written.")
        return await super().put(reference, manifest)


def stack_of(registry: HttpRegistry, debian: DebianRegistry, form: Form = OWN) -> PublishedStack:
    return PublishedStack(registry, f"{debian.host}/stack-{next(NUMBERS)}", form=form)


async def test_a_promotion_of_four_images_transfers_manifests_and_records_only(
    debian: DebianRegistry, record_property: Callable[[str, object], None]
) -> None:
    async with Counted(debian) as registry:
        stack = stack_of(registry, debian)
        layers = {name: name.encode().ljust(LAYER, b"x") for name in NAMES}
        await stack.publish(A)
        await stack.promote(await find_published_run(registry, stack.places, A))
        await stack.publish(B, started="2026-11-25T00:00:00Z", layers=layers)
        connection = registry._connection(stack.places["base"].repository)
        connection._client.event_hooks = {"response": [registry.count]}
        begun = time.monotonic()
        run = await find_published_run(registry, stack.places, B)
        await stack.promote(run)
        seconds = time.monotonic() - begun
        record_property("promotion of four images", f"{registry.requests} requests, {seconds:.2f} s")
        assert registry.requests
        assert registry.manifest_bytes < 300_000
        assert max(registry.blob_sizes) < 10_000
        assert sum(registry.blob_sizes) < LAYER / 20
        connection._client.event_hooks = {}
        assert await stack.digests() == digests_of(run)


@pytest.mark.parametrize("form", [*FORMS.values()], ids=[*FORMS])
async def test_promotions_and_rollbacks(debian: DebianRegistry, form: Form) -> None:
    async with HttpRegistry(debian.endpoint) as registry:
        stack = stack_of(registry, debian, form)
        a, b = await stack.publish(A), await stack.publish(B)
        await stack.promote(a)
        await stack.promote(b, "stable")
        await stack.roll_back()
        assert await stack.digests() == digests_of(a)
        await stack.roll_back()
        assert await stack.digests() == dict.fromkeys(NAMES)
        assert STABLE not in await registry.tags(stack.places["base"].repository)
        assert await stack.digests(B) == await stack.digests("stable") == digests_of(b)
        assert [entry.record.number for entry in (await stack.history()).entries] == [4, 3, 2, 1]


@pytest.mark.parametrize("form", [*FORMS.values()], ids=[*FORMS])
@pytest.mark.parametrize("name", NAMES)
async def test_what_fails_is_restored(debian: DebianRegistry, name: str, form: Form) -> None:
    async with Refusing(debian.endpoint) as registry:
        stack = stack_of(registry, debian, form)
        a, b = await stack.publish(A), await stack.publish(B)
        first, second = await stack.plan(a), await stack.plan(b)
        registry.forbidden = stack.places[name].tagged(STABLE)
        with pytest.raises(TagUpdateError) as raised:
            await apply(registry, first)
        assert raised.value.unrestored == ()
        assert await stack.digests() == dict.fromkeys(NAMES)
        assert await stack.digests(A) == digests_of(a)
        registry.forbidden = None
        await update_tags(registry, first.updates)
        registry.forbidden = stack.places[name].tagged(STABLE)
        again = await plan_tag_updates(registry, wanted(second))
        with pytest.raises(TagUpdateError):
            await update_tags(registry, again)
        assert await stack.digests() == digests_of(a)
