"""Promotions, rollbacks and their history, on a registry in memory."""

import pytest

from ci.errors import PromotionDeniedError, RequestError
from ci.oci.referrers import list_referrers
from ci.oci.registry import AccessError, RegistryError
from ci.oci.tag_update_errors import TagUpdateError
from ci.promotion.apply import apply
from ci.promotion.history import history_tag
from ci.promotion.records import PROMOTION, Kind
from ci.promotion.rollback import plan_rollback
from ci.promotion.source_run import find_published_run
from ci.promotion.timeline import RecordStatus
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import NAMES, NOW, STABLE, RegistrySession, digests

pytestmark = pytest.mark.anyio

A, B, C = "2026.4-aaaaaa1", "2026.4-bbbbbb2", "2026.4-cccccc3"
NOTHING = dict.fromkeys(NAMES)


@pytest.fixture(params=[True, False], ids=["deletes", "does not delete"])
def shelf(request: pytest.FixtureRequest) -> RegistrySession:
    return RegistrySession(MemoryRegistry(Contents(deletes=request.param)), "registry.test")


def standings(timeline_entries: object) -> list[tuple[int, str]]:
    return [(entry.record.number, entry.standing.value) for entry in timeline_entries]  # type: ignore[attr-defined]


async def test_a_promotion_names_all_images_of_the_run(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    change = await shelf.promote(run, "stable")
    assert await shelf.named() == await shelf.named("stable") == digests(run)
    assert (change.record.kind, change.record.number, change.record.source) == (Kind.PROMOTION, 1, A)
    assert (await shelf.plan(run, "stable")).is_done


async def test_the_record_is_attached_to_every_image(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    await shelf.promote(run)
    for image in run.images:
        repository = shelf.repositories[image.name]
        assert len(await list_referrers(shelf.registry, repository, image.digest, PROMOTION)) == 1


async def test_planning_writes_nothing(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    registry = shelf.registry
    assert isinstance(registry, MemoryRegistry)
    registry.calls.clear()
    await shelf.plan(await find_published_run(registry, shelf.repositories, A))
    await shelf.history()
    assert {call.split()[0] for call in registry.calls} <= {"head", "get", "get_blob", "referrers"}
    assert run.images


async def test_rollback_goes_back_one_promotion_each_time(shelf: RegistrySession) -> None:
    runs = [await shelf.publish(tag) for tag in (A, B, C)]
    for run in runs:
        await shelf.promote(run)
    for expected in (digests(runs[1]), digests(runs[0]), NOTHING):
        await shelf.roll_back()
        assert await shelf.named() == expected
    with pytest.raises(PromotionDeniedError, match="names again what it named before its first"):
        await shelf.roll_back()
    await shelf.promote(runs[0])
    assert await shelf.named() == digests(runs[0])


async def test_rollback_to_a_record_goes_there_and_back(shelf: RegistrySession) -> None:
    runs = [await shelf.publish(tag) for tag in (A, B, C)]
    changes = [await shelf.promote(run) for run in runs]
    await shelf.roll_back("1")
    assert await shelf.named() == digests(runs[0])
    back = await shelf.roll_back(changes[1].record.id[:20])
    assert await shelf.named() == digests(runs[1])
    assert (back.record.restores, back.record.source) == (2, B)
    timeline = await shelf.history()
    assert standings(timeline.entries) == [(5, "now"), *[(number, "earlier") for number in (4, 3, 2, 1)]]


@pytest.mark.parametrize("to", ["9", "sha256:", "x", "abcdefabcdef"])
async def test_a_record_that_is_none_is_refused(shelf: RegistrySession, to: str) -> None:
    await shelf.promote(await shelf.publish(A))
    with pytest.raises(PromotionDeniedError, match=f"'{to}' is no record of {STABLE}; there are 1"):
        await shelf.roll_back(to)


async def test_global_and_quarterly_tags_have_histories_of_their_own(shelf: RegistrySession) -> None:
    a, b = await shelf.publish(A), await shelf.publish(B)
    await shelf.promote(a, "stable")
    await shelf.promote(b, "stable")
    await shelf.roll_back(tag="stable")
    assert (await shelf.named("stable"), await shelf.named()) == (digests(a), digests(b))
    assert len((await shelf.history("stable")).entries) == 3
    assert len((await shelf.history()).entries) == 2


@pytest.mark.parametrize("verb", ["put", "head"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_promotion_that_came_to_nothing_is_no_step_of_the_way_back(
    shelf: RegistrySession, verb: str, name: str
) -> None:
    a, b, c = [await shelf.publish(tag) for tag in (A, B, C)]
    await shelf.promote(a)
    await shelf.promote(b)
    change = await shelf.plan(c)
    seen: list[str] = []

    def fail(call: str) -> None:
        if call == f"{verb} {shelf.repositories[name].tagged(STABLE)}":
            seen.append(call)
            if len(seen) == (1 if verb == "put" else 3):
                raise AccessError("not allowed")

    registry = MemoryRegistry(shelf.registry.contents, fail)  # type: ignore[attr-defined]
    with pytest.raises(TagUpdateError):
        await apply(registry, change)
    assert standings((await shelf.history()).entries) == [(3, "undone"), (2, "now"), (1, "earlier")]
    with pytest.raises(PromotionDeniedError, match=r"Record 3 of 2026\.4-stable never came into uncached_function"):
        await shelf.roll_back("3")
    await shelf.roll_back()
    assert await shelf.named() == digests(a)


async def test_what_was_moved_by_hand_is_not_rolled_back(shelf: RegistrySession) -> None:
    a, b = await shelf.publish(A), await shelf.publish(B)
    await shelf.promote(a)
    await shelf.promote(b)
    stranger = await shelf.image("rstudio", b"by hand")
    await shelf.registry.put(shelf.repositories["rstudio"].tagged(STABLE), stranger)
    with pytest.raises(PromotionDeniedError) as raised:
        await shelf.roll_back()
    (problem,) = raised.value.problems
    assert f"rstudio:{STABLE} names {stranger.digest}, and the newest record says {digests(b)['rstudio']}" in problem
    assert (await shelf.history()).entries[0].standing is RecordStatus.MOVED
    await shelf.promote(b)
    await shelf.roll_back()
    assert await shelf.named() == {**digests(b), "rstudio": stranger.digest}


async def test_an_old_image_that_is_gone_stops_the_rollback(shelf: RegistrySession) -> None:
    a, b = await shelf.publish(A), await shelf.publish(B)
    await shelf.promote(a)
    await shelf.promote(b)
    contents = shelf.registry.contents  # type: ignore[attr-defined]
    for name in ("base", "rstudio"):
        del contents.manifests[str(shelf.repositories[name])][digests(a)[name]]
    with pytest.raises(PromotionDeniedError) as raised:
        await shelf.roll_back()
    assert [("/base@" in one, "/rstudio@" in one) for one in raised.value.problems] == [(True, False), (False, True)]
    assert await shelf.named() == digests(b)


async def test_an_image_that_joined_the_stack_leaves_with_the_rollback(shelf: RegistrySession) -> None:
    smaller = RegistrySession(shelf.registry, "registry.test", NAMES[:3])
    a, b = await smaller.publish(A), await shelf.publish(B)
    await smaller.promote(a)
    await shelf.promote(b)
    await shelf.roll_back()
    assert await shelf.named() == {**digests(a), "scipy-ml": None}


async def test_history_is_found_by_any_image(shelf: RegistrySession) -> None:
    await shelf.promote(await shelf.publish(A))
    for name in NAMES:
        assert len((await RegistrySession(shelf.registry, "registry.test", [name]).history()).entries) == 1


async def test_without_records_there_is_nothing_to_go_back_to(shelf: RegistrySession) -> None:
    await shelf.publish(A)
    with pytest.raises(PromotionDeniedError, match=r"no record of a promotion of 2026\.4-stable"):
        await plan_rollback(shelf.registry, await shelf.history(), at=NOW)


async def test_tags_must_differ(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    for also in (STABLE, A):
        with pytest.raises(RequestError, match="each must be a tag of its own"):
            await shelf.plan(run, also)


async def test_a_record_that_cannot_be_written_stops_the_promotion(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    change = await shelf.plan(run)

    def fail(call: str) -> None:
        if call == f"put {shelf.repositories['scipy-ml'].tagged(history_tag(STABLE))}":
            raise AccessError("not allowed")

    with pytest.raises(RegistryError, match="not allowed"):
        await apply(MemoryRegistry(shelf.registry.contents, fail), change)  # type: ignore[attr-defined]
    assert await shelf.named() == NOTHING


async def test_two_promotions_at_once_do_not_mix(shelf: RegistrySession) -> None:
    a, b = await shelf.publish(A), await shelf.publish(B)
    first, second = await shelf.plan(a), await shelf.plan(b)
    await apply(shelf.registry, first)
    with pytest.raises(TagUpdateError, match="moves it at the same time"):
        await apply(shelf.registry, second)
    assert await shelf.named() == digests(a)
    assert sorted(standings((await shelf.history()).entries)) == [(1, "now"), (1, "undone")]
    await shelf.roll_back()
    assert await shelf.named() == NOTHING


async def test_a_rollback_to_nothing_is_attached_to_what_was_there(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    await shelf.promote(run)
    await shelf.roll_back()
    for image in run.images:
        repository = shelf.repositories[image.name]
        assert len(await list_referrers(shelf.registry, repository, image.digest, PROMOTION)) == 2


@pytest.mark.parametrize("for_ever", [False, True])
async def test_a_history_that_somebody_else_writes_over_gets_its_record_again(
    shelf: RegistrySession, for_ever: bool
) -> None:
    change = await shelf.plan(await shelf.publish(A))
    contents = shelf.registry.contents  # type: ignore[attr-defined]
    history = shelf.repositories["rstudio"].tagged(history_tag(STABLE))
    moved: list[str] = []

    def interfere(call: str) -> None:
        if call == f"put {shelf.repositories['rstudio'].tagged(STABLE)}":
            moved.append(call)
            del contents.tags[str(history.repository)][history.tag]
        if moved and for_ever and call == f"put {history}":
            raise AccessError("not allowed")

    warnings = await apply(MemoryRegistry(contents, interfere), change)
    expected = ("All tags have moved, but the record of it does not stay: not allowed",) if for_ever else ()
    assert warnings == expected
    assert (history.tag in contents.tags[str(history.repository)]) == (not for_ever)
    assert standings((await shelf.history()).entries) == [(1, "now")]
