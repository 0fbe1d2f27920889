"""A promotion, then a rollback: every tag points to what it did before, whatever that was, and however often."""

import anyio
from hypothesis import given, settings
from hypothesis import strategies as some

from ci.oci.referrers import list_referrers
from ci.registry_format import PROMOTION_RECORD
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import FORMS, NAMES, Form, PublishedStack, digests_of

LAYERS = some.fixed_dictionaries({name: some.sampled_from([b"a", b"b", b"c"]) for name in NAMES})


@given(
    legacy=some.dictionaries(some.sampled_from(NAMES), some.sampled_from([b"a", b"b", b"old"])),
    runs=some.lists(LAYERS, min_size=1, max_size=4),
    deletes=some.booleans(),
    form=some.sampled_from([*FORMS.values()]),
)
@settings(max_examples=60, deadline=None)
def test_rollback_undoes_promotion(
    legacy: dict[str, bytes],
    runs: list[dict[str, bytes]],
    deletes: bool,  # noqa: FBT001
    form: Form,
) -> None:
    """`legacy`: what the stable tag points to before any record, for some images. `runs`: the layers of each stack."""

    async def story() -> None:
        stack = PublishedStack(MemoryRegistry(Contents(deletes=deletes)), "registry.test", form=form)
        for name, layer in legacy.items():
            image = await stack.image(name, layer)
            await stack.registry.put(stack.places[name].tagged("2026.4-stable"), image)
        states = [await stack.digests()]
        for number, layers in enumerate(runs):
            run = await stack.publish(f"2026.4-aaaaaa{number}", started=f"2026-11-2{number}T00:00:00Z", layers=layers)
            if (await stack.plan(run)).is_done:
                continue
            await stack.promote(run)
            states.append(await stack.digests())
            assert states[-1] == digests_of(run)
            for one in run.images:
                assert await list_referrers(
                    stack.registry, stack.places[one.name].repository, one.digest, PROMOTION_RECORD
                )
        for state in reversed(states[:-1]):
            await stack.roll_back()
            assert await stack.digests() == state

    anyio.run(story)
