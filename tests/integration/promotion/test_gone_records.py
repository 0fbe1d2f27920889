"""Promotion records that are listed and gone: read from another copy, or left out and named."""

import msgspec
import pytest

from ci.image_labels import DESCRIPTION
from ci.oci.index import decode_index, encode_index
from ci.oci.registry import AccessError, IntegrityError, digest_of
from ci.oci.tag_update_errors import TagUpdateError
from ci.promotion.apply import apply
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.history import history_tag
from ci.registry_format import PROMOTION_HISTORY, PROMOTION_ID
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import FORMS, NAMES, NOW, STABLE, Form, PublishedStack, digests_of

pytestmark = pytest.mark.anyio

A, B, C = "2026.4-aaaaaa1", "2026.4-bbbbbb2", "2026.4-cccccc3"


class LossyStack(PublishedStack):
    """Loses promotion records, as a clean-up does."""

    def __init__(self, form: Form) -> None:
        self.contents = Contents()
        super().__init__(MemoryRegistry(self.contents), "registry.test", form=form)

    async def lose(self, number: int, *names: str) -> None:
        """Delete a record in the repositories of images."""
        for name in names or NAMES:
            reference = self.places[name].tagged(history_tag(STABLE))
            index = await self.registry.get(reference)
            assert index
            for entry in decode_index(index, reference).manifests:
                if entry.annotations[DESCRIPTION] == f"promotion {number} of {STABLE}":
                    del self.contents.manifests[str(reference.repository)][entry.digest]


@pytest.fixture(params=[*FORMS.values()], ids=[*FORMS])
def stack(request: pytest.FixtureRequest) -> LossyStack:
    return LossyStack(request.param)


async def numbers(stack: PublishedStack) -> list[tuple[int, str]]:
    return [(entry.record.number, entry.status.value) for entry in (await stack.history()).entries]


async def test_a_record_is_read_from_any_repository_that_has_it(stack: LossyStack) -> None:
    await stack.promote(await stack.publish(A))
    await stack.lose(1, *NAMES[1:])
    assert await numbers(stack) == [(1, "now")]
    assert (await stack.history()).gone == ()


async def test_a_rollback_over_a_gap_goes_to_the_right_images_and_does_not_name_another_record(
    stack: LossyStack,
) -> None:
    a, b, c = [await stack.publish(tag) for tag in (A, B, C)]
    for run in (a, b, c):
        await stack.promote(run)
    await stack.lose(2)
    assert await numbers(stack) == [(3, "now"), (1, "earlier")]
    change = await stack.roll_back()
    assert await stack.digests() == digests_of(b)
    assert (change.record.restores, change.record.source) == (0, "")
    undone, gone = change.notes
    assert undone == f"This undoes record 3 (promotion of {C}): {STABLE} goes back to a state without a record."
    assert gone.startswith("1 promotion record is gone from the registry, probably deleted by a clean-up")
    assert f": promotion 2 of {STABLE} ({NOW})." in gone
    with pytest.raises(PromotionDeniedError, match=r"is not known\. Give the record to go back to with --to"):
        await stack.roll_back()
    await stack.roll_back("1")
    assert await stack.digests() == digests_of(a)


async def test_a_rollback_to_a_record_that_is_gone_since_is_no_way_further_back(stack: LossyStack) -> None:
    for tag in (A, B, C):
        await stack.promote(await stack.publish(tag))
    await stack.roll_back()
    await stack.lose(2)
    with pytest.raises(PromotionDeniedError, match="was rolled back to record 2, which is gone, so what it pointed to"):
        await stack.roll_back()


async def test_without_the_newest_record_a_rollback_refuses(stack: LossyStack) -> None:
    await stack.promote(await stack.publish(A))
    b = await stack.publish(B)
    await stack.promote(b)
    await stack.lose(2)
    with pytest.raises(PromotionDeniedError, match="by a promotion whose record is gone, or outside this tool"):
        await stack.roll_back()
    assert await stack.digests() == digests_of(b)


async def test_a_stack_with_images_of_two_others_is_not_taken_for_an_interruption(stack: LossyStack) -> None:
    """Where its record is gone: each image is what the promotion before it was from, or was to."""
    stack.places = {name: stack.places[name] for name in ("base", "rstudio")}
    layers = ((A, b"1", b"1"), (B, b"2", b"2"), (C, b"2", b"1"))
    runs = [await stack.publish(tag, layers={"base": base, "rstudio": rstudio}) for tag, base, rstudio in layers]
    for run in runs:
        await stack.promote(run)
    await stack.lose(3, *stack.places)
    assert await numbers(stack) == [(2, "moved since"), (1, "earlier")]

    def refuse(call: str) -> None:
        if call.startswith("put") and call.endswith(f":{STABLE}"):
            raise AccessError("not allowed")

    change = await stack.plan(await stack.publish("2026.4-ddddddd"))
    with pytest.raises(TagUpdateError):
        await apply(MemoryRegistry(stack.contents, refuse), change)
    assert (await stack.history()).gone == ()  # the registry refuses a list with it
    assert await numbers(stack) == [(4, "undone"), (2, "moved since"), (1, "earlier")]
    assert await stack.digests() == digests_of(runs[-1])


async def test_a_record_that_is_another_than_listed_is_an_error(stack: LossyStack) -> None:
    await stack.promote(await stack.publish(A))
    for place in stack.places.values():
        history = place.tagged(history_tag(STABLE))
        index = await stack.registry.get(history)
        assert index
        (entry,) = decode_index(index, history).manifests
        other = msgspec.structs.replace(entry, annotations={**entry.annotations, PROMOTION_ID: digest_of(b"other")})
        await stack.registry.put(history, encode_index((other,), PROMOTION_HISTORY))
    with pytest.raises(IntegrityError, match="is not the promotion record that the history lists"):
        await stack.history()
