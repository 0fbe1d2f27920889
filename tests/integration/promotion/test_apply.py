"""What must hold before anything is written."""

import msgspec
import pytest

from ci.errors import ExternalError, PromotionDeniedError
from ci.oci.registry import AccessError
from ci.promotion.apply import PromotionPlan, apply
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import NAMES, RegistrySession

pytestmark = pytest.mark.anyio

A = "2026.4-aaaaaa1"


def writes(registry: MemoryRegistry) -> list[str]:
    return [call for call in registry.calls if call.split()[0] in {"put", "put_blob", "delete"}]


async def test_whoever_may_not_write_somewhere_writes_nothing_anywhere() -> None:
    shelf = RegistrySession(MemoryRegistry(), "registry.test")
    change = await shelf.plan(await shelf.publish(A))

    def refuse(call: str) -> None:
        if call.startswith("preflight") and call.endswith(("/base", "/rstudio")):
            raise AccessError(f"{call} is not allowed.")

    registry = MemoryRegistry(shelf.registry.contents, refuse)  # type: ignore[attr-defined]
    with pytest.raises(ExternalError, match=r"(?s)base is not allowed.*rstudio is not allowed"):
        await apply(registry, change)
    assert writes(registry) == []


async def test_no_promotion_without_proof_or_reason() -> None:
    registry = MemoryRegistry()
    shelf = RegistrySession(registry, "registry.test")
    change = await shelf.plan(await shelf.publish(A))
    registry.calls.clear()
    bare = PromotionPlan(record=msgspec.structs.replace(change.record, proof=None), moves=change.moves)
    with pytest.raises(PromotionDeniedError, match="neither a passed verdict of the GPU gate nor a reason"):
        await apply(registry, bare)
    assert registry.calls == []


async def test_what_is_done_is_not_recorded_again() -> None:
    registry = MemoryRegistry()
    shelf = RegistrySession(registry, "registry.test")
    run = await shelf.publish(A)
    await shelf.promote(run)
    again = await shelf.plan(run)
    registry.calls.clear()
    assert await apply(registry, again) == ()
    assert registry.calls == []
    assert len((await shelf.history()).entries) == 1


async def test_sizes_are_those_of_the_layers() -> None:
    shelf = RegistrySession(MemoryRegistry(), "registry.test")
    run = await shelf.publish(A, layers=dict.fromkeys(NAMES, b"12345"))
    change = await shelf.plan(run)
    assert change.sizes == {image.digest: 5 for image in run.images}
