"""Promotion in Docker's own registry, with TLS and a password: no layer moves, and what fails is put back."""

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
from ci.promotion.apply import apply
from ci.promotion.source_run import find_published_run
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.promotion.published import NAMES, STABLE, RegistrySession, digests

pytestmark = pytest.mark.anyio

A, B = "2026.4-aaaaaa1", "2026.4-bbbbbb2"
LAYER = 3_000_000
NUMBERS = itertools.count()


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
        moved = given + len(response.request.content)
        if "/manifests/" in response.request.url.path:
            self.manifest_bytes += moved
        elif moved:
            self.blob_sizes.append(moved)


class Refusing(HttpRegistry):
    """Does not let one tag be written."""

    forbidden: Reference | None = None

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        if reference == self.forbidden:
            raise AccessError(f"{reference} may not be written.")
        return await super().put(reference, manifest)


def shelf_of(registry: HttpRegistry, debian: DebianRegistry) -> RegistrySession:
    shelf = RegistrySession(registry, debian.host)
    stack = f"stack-{next(NUMBERS)}"
    shelf.repositories = {
        name: type(place)(host=place.host, path=f"{stack}/{name}") for name, place in shelf.repositories.items()
    }
    return shelf


async def test_a_promotion_of_four_images_moves_manifests_and_records_only(
    debian: DebianRegistry, record_property: Callable[[str, object], None]
) -> None:
    async with Counted(debian) as registry:
        shelf = shelf_of(registry, debian)
        layers = {name: name.encode().ljust(LAYER, b"x") for name in NAMES}
        await shelf.publish(A)
        await shelf.promote(await find_published_run(registry, shelf.repositories, A))
        await shelf.publish(B, started="2026-11-25T00:00:00Z", layers=layers)
        connection = registry._connection(shelf.repositories["base"])
        connection._client.event_hooks = {"response": [registry.count]}
        begun = time.monotonic()
        run = await find_published_run(registry, shelf.repositories, B)
        await shelf.promote(run)
        seconds = time.monotonic() - begun
        record_property("promotion of four images", f"{registry.requests} requests, {seconds:.2f} s")
        assert registry.requests
        assert registry.manifest_bytes < 300_000
        assert max(registry.blob_sizes) < 10_000
        assert sum(registry.blob_sizes) < LAYER / 20
        connection._client.event_hooks = {}
        assert await shelf.named() == digests(run)


async def test_promotions_and_rollbacks(debian: DebianRegistry) -> None:
    async with HttpRegistry(debian.endpoint) as registry:
        shelf = shelf_of(registry, debian)
        a, b = await shelf.publish(A), await shelf.publish(B)
        await shelf.promote(a)
        await shelf.promote(b, "stable")
        await shelf.roll_back()
        assert await shelf.named() == digests(a)
        await shelf.roll_back()
        assert await shelf.named() == dict.fromkeys(NAMES)
        assert STABLE not in await registry.tags(shelf.repositories["base"])
        assert await shelf.named(B) == await shelf.named("stable") == digests(b)
        assert [entry.record.number for entry in (await shelf.history()).entries] == [4, 3, 2, 1]


@pytest.mark.parametrize("name", NAMES)
async def test_what_fails_is_put_back(debian: DebianRegistry, name: str) -> None:
    async with Refusing(debian.endpoint) as registry:
        shelf = shelf_of(registry, debian)
        a, b = await shelf.publish(A), await shelf.publish(B)
        first, second = await shelf.plan(a), await shelf.plan(b)
        registry.forbidden = shelf.repositories[name].tagged(STABLE)
        with pytest.raises(TagUpdateError) as raised:
            await apply(registry, first)
        assert raised.value.astray == ()
        assert await shelf.named() == dict.fromkeys(NAMES)
        assert await shelf.named(A) == digests(a)
        registry.forbidden = None
        await update_tags(registry, first.moves)
        registry.forbidden = shelf.repositories[name].tagged(STABLE)
        again = await plan_tag_updates(registry, [(move.image, move.target, move.new) for move in second.moves])
        with pytest.raises(TagUpdateError):
            await update_tags(registry, again)
        assert await shelf.named() == digests(a)
