"""A promotion, then a rollback: every tag names what it named, whatever that was, and however often."""

import anyio
from hypothesis import given, settings
from hypothesis import strategies as some

from ci.oci.referrers import list_referrers
from ci.promotion.records import PROMOTION
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import NAMES, RegistrySession, digests

LAYERS = some.fixed_dictionaries({name: some.sampled_from([b"a", b"b", b"c"]) for name in NAMES})


@given(
    legacy=some.dictionaries(some.sampled_from(NAMES), some.sampled_from([b"a", b"b", b"old"])),
    runs=some.lists(LAYERS, min_size=1, max_size=4),
    deletes=some.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_rollback_undoes_promotion(
    legacy: dict[str, bytes],
    runs: list[dict[str, bytes]],
    deletes: bool,  # noqa: FBT001
) -> None:
    """`legacy` is what stable names before any record, for some images; `runs` are the layers of each stack."""

    async def story() -> None:
        shelf = RegistrySession(MemoryRegistry(Contents(deletes=deletes)), "registry.test")
        for name, layer in legacy.items():
            image = await shelf.image(name, layer)
            await shelf.registry.put(shelf.repositories[name].tagged("2026.4-stable"), image)
        states = [await shelf.named()]
        for number, layers in enumerate(runs):
            run = await shelf.publish(f"2026.4-aaaaaa{number}", started=f"2026-11-2{number}T00:00:00Z", layers=layers)
            if (await shelf.plan(run)).is_done:
                continue
            await shelf.promote(run)
            states.append(await shelf.named())
            assert states[-1] == digests(run)
            for one in run.images:
                assert await list_referrers(shelf.registry, shelf.repositories[one.name], one.digest, PROMOTION)
        for state in reversed(states[:-1]):
            await shelf.roll_back()
            assert await shelf.named() == state

    anyio.run(story)
