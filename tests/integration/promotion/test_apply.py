"""What must hold before anything is written."""

import msgspec
import pytest

from ci.oci.registry import AccessError
from ci.promotion.apply import PromotionPlan, apply
from ci.promotion.errors import PromotionDeniedError
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import NAMES, PublishedStack

pytestmark = pytest.mark.anyio

A = "2026.4-aaaaaa1"


def writes(registry: MemoryRegistry) -> list[str]:
    return [call for call in registry.calls if call.split()[0] in {"put", "put_blob", "delete"}]


async def test_without_access_to_one_repository_nothing_is_written_anywhere() -> None:
    stack = PublishedStack(MemoryRegistry(), "registry.test")
    change = await stack.plan(await stack.publish(A))

    def refuse(call: str) -> None:
        if call.startswith("preflight") and call.endswith(("/base", "/rstudio")):
            raise AccessError(f"{call} is not allowed.")

    registry = MemoryRegistry(stack.registry.contents, refuse)  # type: ignore[attr-defined]
    with pytest.raises(AccessError, match=r"(?s)base is not allowed.*rstudio is not allowed"):
        await apply(registry, change)
    assert writes(registry) == []


async def test_no_promotion_without_a_verdict_or_a_reason() -> None:
    registry = MemoryRegistry()
    stack = PublishedStack(registry, "registry.test")
    change = await stack.plan(await stack.publish(A))
    registry.calls.clear()
    unapproved = PromotionPlan(record=msgspec.structs.replace(change.record, proof=None), updates=change.updates)
    with pytest.raises(PromotionDeniedError, match="neither a passed verdict of the GPU gate nor a reason to override"):
        await apply(registry, unapproved)
    assert registry.calls == []


async def test_what_is_done_is_not_recorded_again() -> None:
    registry = MemoryRegistry()
    stack = PublishedStack(registry, "registry.test")
    run = await stack.publish(A)
    await stack.promote(run)
    again = await stack.plan(run)
    registry.calls.clear()
    assert await apply(registry, again) == ()
    assert registry.calls == []
    assert len((await stack.history()).entries) == 1


async def test_sizes_are_those_of_the_layers() -> None:
    stack = PublishedStack(MemoryRegistry(), "registry.test")
    run = await stack.publish(A, layers=dict.fromkeys(NAMES, b"12345"))
    change = await stack.plan(run)
    assert change.sizes == {image.digest: 5 for image in run.images}
