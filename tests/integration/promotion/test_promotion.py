"""Promotions, rollbacks and their history, on a registry in memory."""

import pytest

from ci.errors import RequestError
from ci.oci.index import encode_index
from ci.oci.referrers import list_referrers
from ci.oci.registry import AccessError, ProtocolError, RegistryError
from ci.oci.tag_update_errors import TagUpdateError
from ci.promotion.apply import apply
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.history import history_tag
from ci.promotion.records import Kind
from ci.promotion.rollback import plan_rollback
from ci.promotion.source_run import find_published_run
from ci.promotion.timeline import RecordStatus
from ci.registry_format import PROMOTION_RECORD
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import FORMS, NAMES, NOW, STABLE, Form, PublishedStack, digests_of

pytestmark = pytest.mark.anyio

A, B, C = "2026.4-aaaaaa1", "2026.4-bbbbbb2", "2026.4-cccccc3"
NOTHING = dict.fromkeys(NAMES)


@pytest.fixture(params=[*FORMS.values()], ids=[*FORMS])
def form(request: pytest.FixtureRequest) -> Form:
    found: Form = request.param
    return found


@pytest.fixture(params=[True, False], ids=["deletes", "does not delete"])
def stack(request: pytest.FixtureRequest, form: Form) -> PublishedStack:
    return PublishedStack(MemoryRegistry(Contents(deletes=request.param)), "registry.test", form=form)


def statuses(timeline_entries: object) -> list[tuple[int, str]]:
    return [(entry.record.number, entry.status.value) for entry in timeline_entries]  # type: ignore[attr-defined]


async def test_a_promotion_points_the_stable_tag_to_all_images_of_the_run(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    change = await stack.promote(run, "stable")
    assert await stack.digests() == await stack.digests("stable") == digests_of(run)
    assert (change.record.kind, change.record.number, change.record.source) == (Kind.PROMOTION, 1, A)
    assert (await stack.plan(run, "stable")).is_done


async def test_a_stack_of_any_version_can_be_promoted(stack: PublishedStack) -> None:
    run = await stack.publish("fall26-a1239ab")
    await stack.promote(run)
    assert await stack.digests("fall26-stable") == digests_of(run)
    assert len((await stack.history("fall26-stable")).entries) == 1


async def test_the_record_is_attached_to_every_image(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    await stack.promote(run)
    for image in run.images:
        repository = stack.places[image.name].repository
        assert len(await list_referrers(stack.registry, repository, image.digest, PROMOTION_RECORD)) == 1


async def test_planning_writes_nothing(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    registry = stack.registry
    assert isinstance(registry, MemoryRegistry)
    registry.calls.clear()
    await stack.plan(await find_published_run(registry, stack.places, A))
    await stack.history()
    assert {call.split()[0] for call in registry.calls} <= {"head", "get", "get_blob", "referrers"}
    assert run.images


async def test_rollback_goes_back_one_promotion_each_time(stack: PublishedStack) -> None:
    runs = [await stack.publish(tag) for tag in (A, B, C)]
    for run in runs:
        await stack.promote(run)
    for expected in (digests_of(runs[1]), digests_of(runs[0]), NOTHING):
        await stack.roll_back()
        assert await stack.digests() == expected
    with pytest.raises(PromotionDeniedError, match="was rolled back to the state before its first"):
        await stack.roll_back()
    await stack.promote(runs[0])
    assert await stack.digests() == digests_of(runs[0])


async def test_rollback_to_a_record_goes_there_and_back(stack: PublishedStack) -> None:
    runs = [await stack.publish(tag) for tag in (A, B, C)]
    changes = [await stack.promote(run) for run in runs]
    await stack.roll_back("1")
    assert await stack.digests() == digests_of(runs[0])
    back = await stack.roll_back(changes[1].record.id[:20])
    assert await stack.digests() == digests_of(runs[1])
    assert (back.record.restores, back.record.source) == (2, B)
    timeline = await stack.history()
    assert statuses(timeline.entries) == [(5, "now"), *[(number, "earlier") for number in (4, 3, 2, 1)]]


@pytest.mark.parametrize("to", ["9", "sha256:", "x", "abcdefabcdef"])
async def test_an_unknown_record_is_refused(stack: PublishedStack, to: str) -> None:
    await stack.promote(await stack.publish(A))
    with pytest.raises(PromotionDeniedError, match=f"{STABLE} has no record '{to}', only 1"):
        await stack.roll_back(to)


async def test_global_and_quarterly_tags_have_histories_of_their_own(stack: PublishedStack) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a, "stable")
    await stack.promote(b, "stable")
    await stack.roll_back(tag="stable")
    assert (await stack.digests("stable"), await stack.digests()) == (digests_of(a), digests_of(b))
    assert len((await stack.history("stable")).entries) == 3
    assert len((await stack.history()).entries) == 2


@pytest.mark.parametrize("verb", ["put", "head"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_promotion_that_failed_is_skipped_by_rollbacks(stack: PublishedStack, verb: str, name: str) -> None:
    a, b, c = [await stack.publish(tag) for tag in (A, B, C)]
    await stack.promote(a)
    await stack.promote(b)
    change = await stack.plan(c)
    seen: list[str] = []

    def fail(call: str) -> None:
        if call == f"{verb} {stack.places[name].tagged(STABLE)}":
            seen.append(call)
            if len(seen) == (1 if verb == "put" else 3):
                raise AccessError("not allowed")

    registry = MemoryRegistry(stack.registry.contents, fail)  # type: ignore[attr-defined]
    with pytest.raises(TagUpdateError):
        await apply(registry, change)
    assert statuses((await stack.history()).entries) == [(3, "undone"), (2, "now"), (1, "earlier")]
    with pytest.raises(PromotionDeniedError, match=r"Record 3 of 2026\.4-stable never took effect"):
        await stack.roll_back("3")
    await stack.roll_back()
    assert await stack.digests() == digests_of(a)


async def test_a_tag_that_was_changed_by_hand_is_not_rolled_back(stack: PublishedStack) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await stack.promote(b)
    by_hand = await stack.image("rstudio", b"by hand")
    await stack.registry.put(stack.places["rstudio"].tagged(STABLE), by_hand)
    with pytest.raises(PromotionDeniedError) as raised:
        await stack.roll_back()
    (problem,) = raised.value.problems
    stable = stack.places["rstudio"].tagged(STABLE)
    assert problem.startswith(f"{stable} points to {by_hand.digest}, but the latest promotion record says ")
    assert f"says {digests_of(b)['rstudio']}: the tag was changed outside this tool" in problem
    assert (await stack.history()).entries[0].status is RecordStatus.MOVED
    await stack.promote(b)
    await stack.roll_back()
    assert await stack.digests() == {**digests_of(b), "rstudio": by_hand.digest}


async def test_a_deleted_old_image_stops_the_rollback(stack: PublishedStack) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await stack.promote(b)
    contents = stack.registry.contents  # type: ignore[attr-defined]
    for name in ("base", "rstudio"):
        del contents.manifests[str(stack.places[name].repository)][digests_of(a)[name]]
    with pytest.raises(PromotionDeniedError) as raised:
        await stack.roll_back()
    gone = [str(stack.places[name].pinned(digests_of(a)[name] or "")) for name in ("base", "rstudio")]
    assert [[one in problem for one in gone] for problem in raised.value.problems] == [[True, False], [False, True]]
    assert await stack.digests() == digests_of(b)


async def test_the_tag_of_an_image_that_joined_the_stack_is_removed_by_the_rollback(stack: PublishedStack) -> None:
    smaller = stack.part(NAMES[:3])
    a, b = await smaller.publish(A), await stack.publish(B)
    await smaller.promote(a)
    await stack.promote(b)
    await stack.roll_back()
    assert await stack.digests() == {**digests_of(a), "scipy-ml": None}


async def test_history_is_found_by_any_image(stack: PublishedStack) -> None:
    await stack.promote(await stack.publish(A))
    for name in NAMES:
        assert len((await stack.part([name]).history()).entries) == 1


async def test_without_records_there_is_nothing_to_go_back_to(stack: PublishedStack) -> None:
    await stack.publish(A)
    with pytest.raises(PromotionDeniedError, match=r"no promotion record for 2026\.4-stable"):
        await plan_rollback(stack.registry, await stack.history(), at=NOW)


async def test_tags_must_differ(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    for also in (STABLE, A):
        with pytest.raises(RequestError, match=f"must all be different: {A}, {STABLE}, {also}"):
            await stack.plan(run, also)


async def test_a_record_that_cannot_be_written_stops_the_promotion(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    change = await stack.plan(run)

    def fail(call: str) -> None:
        if call == f"put {stack.places['scipy-ml'].tagged(history_tag(STABLE))}":
            raise AccessError("not allowed")

    with pytest.raises(RegistryError, match="not allowed"):
        await apply(MemoryRegistry(stack.registry.contents, fail), change)  # type: ignore[attr-defined]
    assert await stack.digests() == NOTHING


async def test_two_promotions_at_once_do_not_mix(stack: PublishedStack) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    first, second = await stack.plan(a), await stack.plan(b)
    await apply(stack.registry, first)
    with pytest.raises(TagUpdateError, match="another process updates it at the same time"):
        await apply(stack.registry, second)
    assert await stack.digests() == digests_of(a)
    assert sorted(statuses((await stack.history()).entries)) == [(1, "now"), (1, "undone")]
    await stack.roll_back()
    assert await stack.digests() == NOTHING


async def test_a_rollback_to_nothing_is_attached_to_what_was_there(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    await stack.promote(run)
    await stack.roll_back()
    for image in run.images:
        repository = stack.places[image.name].repository
        assert len(await list_referrers(stack.registry, repository, image.digest, PROMOTION_RECORD)) == 2


@pytest.mark.parametrize("always", [False, True])
async def test_a_history_that_is_overwritten_after_the_update_gets_its_record_again(
    stack: PublishedStack,
    always: bool,  # noqa: FBT001
) -> None:
    change = await stack.plan(await stack.publish(A))
    contents = stack.registry.contents  # type: ignore[attr-defined]
    history = stack.places["rstudio"].tagged(history_tag(STABLE))
    updated: list[str] = []

    def interfere(call: str) -> None:
        if call == f"put {stack.places['rstudio'].tagged(STABLE)}":
            updated.append(call)
            del contents.tags[str(history.repository)][history.tag]
        if updated and always and call == f"put {history}":
            raise AccessError("not allowed")

    warnings = await apply(MemoryRegistry(contents, interfere), change)
    expected = ("All tags were updated, but their record is missing in a history: not allowed",) if always else ()
    assert warnings == expected
    assert (history.tag in contents.tags[str(history.repository)]) == (not always)
    assert statuses((await stack.history()).entries) == [(1, "now")]


async def test_a_history_that_another_promotion_overwrites_keeps_both_records(stack: PublishedStack) -> None:
    first, second = await stack.plan(await stack.publish(A)), await stack.plan(await stack.publish(B))
    contents = stack.registry.contents  # type: ignore[attr-defined]
    stable = stack.places["rstudio"].tagged(STABLE)
    history = stable.repository.tagged(history_tag(STABLE))

    def refuse(call: str) -> None:
        if call == f"put {stable}":
            raise AccessError("not allowed")

    with pytest.raises(TagUpdateError):  # the other promotion gets as far as its records
        await apply(MemoryRegistry(contents, refuse), first)
    overwritten = [contents.tags[str(history.repository)].pop(history.tag)]

    def overwrite(call: str) -> None:
        if call in {f"get {history}", f"head {history}"} and f"put {history}" in registry.calls and overwritten:
            contents.tags[str(history.repository)][history.tag] = overwritten.pop()

    registry = MemoryRegistry(contents, overwrite)
    assert await apply(registry, second) == ()
    assert overwritten == []
    image = stack.part(["rstudio"])
    assert sorted(statuses((await image.history()).entries)) == [(1, "now"), (1, "undone")]


async def test_a_history_tag_that_another_program_overwrote_is_an_error(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    await stack.promote(run)
    repository = stack.places["base"].repository
    image = await stack.registry.get(run.by_name["base"].reference)
    assert image is not None
    for manifest in (image, encode_index(())):
        await stack.registry.put(repository.tagged(history_tag(STABLE)), manifest)
        with pytest.raises(ProtocolError, match=f"{history_tag(STABLE)} is not a promotion history"):
            await stack.history()
