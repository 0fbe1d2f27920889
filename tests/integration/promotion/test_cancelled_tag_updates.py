"""An update that is cancelled, at any of its requests, leaves all tags as they were."""

import asyncio
import time
from collections.abc import Callable

import anyio
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.oci.tag_update import update_tags
from ci.oci.tag_update_errors import TagUpdateError
from tests.integration.adapters.oci.faults import meanwhile, refusing
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.four_images import FourImages, at

pytestmark = pytest.mark.anyio

STABLE_TAGS = "/manifests/2026.4-stable$"
POINTS = [("HEAD", number) for number in range(1, 13)] + [("PUT", number) for number in range(1, 5)]


def cancelling(cancel: Callable[[], object]) -> Callable[[], None]:
    """Return an act that cancels, from the server's thread, while the client waits for the response."""
    loop = asyncio.get_running_loop()

    def act() -> None:
        loop.call_soon_threadsafe(cancel)
        time.sleep(0.02)

    return act


@pytest.fixture
def images(server: RegistryServer) -> FourImages:
    return FourImages(server)


@pytest.mark.parametrize(("method", "number"), POINTS)
async def test_a_cancelled_update_leaves_all_tags_as_they_were(
    registry: HttpRegistry, images: FourImages, method: str, number: int
) -> None:
    with anyio.CancelScope() as scope:
        images.server.fault(method, STABLE_TAGS, meanwhile(cancelling(scope.cancel)), at=number)
        await update_tags(registry, images.updates)
        await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert images.digests() == images.before


@pytest.mark.parametrize(("method", "number"), [("HEAD", 2), ("PUT", 1), ("PUT", 4), ("HEAD", 9)])
async def test_so_does_a_cancelled_task(registry: HttpRegistry, images: FourImages, method: str, number: int) -> None:
    task = asyncio.ensure_future(update_tags(registry, images.updates))
    images.server.fault(method, STABLE_TAGS, meanwhile(cancelling(task.cancel)), at=number)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert images.digests() == images.before


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_cancelling_does_not_stop_the_restoring(registry: HttpRegistry, images: FourImages, number: int) -> None:
    images.server.fault("HEAD", at("base"), refusing(403), at=3)
    with anyio.CancelScope() as scope:
        images.server.fault("PUT", STABLE_TAGS, meanwhile(cancelling(scope.cancel)), at=4 + number)
        with pytest.raises(TagUpdateError) as raised:
            await update_tags(registry, images.updates)
    assert raised.value.unrestored == ()
    assert images.digests() == images.before


async def test_when_cancelled_too_it_lists_what_cannot_be_restored(registry: HttpRegistry, images: FourImages) -> None:
    images.server.fault("PUT", at("datascience"), refusing(403), at=2, times=9)
    with anyio.CancelScope() as scope:
        images.server.fault("HEAD", at("base"), meanwhile(cancelling(scope.cancel)), at=3)
        with pytest.raises(TagUpdateError, match=r"It was interrupted \(CancelledError\)") as raised:
            await update_tags(registry, images.updates)
    assert [one.image for one in raised.value.unrestored] == ["datascience"]
    assert images.digests() == {**images.before, "datascience": images.after["datascience"]}
