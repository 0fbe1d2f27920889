"""Tags end all old, or all new, or the error names each that is neither: over HTTP, with every fault at every image."""

from typing import NamedTuple

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.errors import RequestError
from ci.oci.registry import digest_of
from ci.oci.tag_update import plan_tag_updates, update_tags
from ci.oci.tag_update_errors import UNKNOWN, TagUpdateError
from tests.integration.adapters.oci.faults import (
    Act,
    Reply,
    altering,
    answering,
    cutting,
    cutting_after,
    cutting_midway,
    meanwhile,
    refusing,
)
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.four_images import ABSENT, NAMES, STABLE, Four, at, path

pytestmark = pytest.mark.anyio

ALWAYS = 99
TRIES = 5
OTHER = digest_of(b"another")


@pytest.fixture
def four(server: RegistryServer) -> Four:
    return Four(server)


def telling(digest: str) -> Act:
    return altering(lambda reply: reply._replace(headers={**reply.headers, "Docker-Content-Digest": digest}))


async def failing(registry: HttpRegistry, four: Four) -> TagUpdateError:
    """TagUpdate the tags, which must fail; make sure that the error names every tag that is not as before, and no other."""
    with pytest.raises(TagUpdateError) as raised:
        await update_tags(registry, four.moves)
    now = four.named()
    differing = {name: now[name] for name in NAMES if now[name] != four.before[name]}
    astray = {one.image: one.names for one in raised.value.astray}
    assert astray.keys() == differing.keys()
    for name, digest in differing.items():
        assert astray[name] in {digest or "nothing", UNKNOWN}
        assert f"{path(name)}:{STABLE} names {astray[name]}" in str(raised.value)
    return raised.value


async def test_all_tags_move(registry: HttpRegistry, four: Four) -> None:
    await update_tags(registry, four.moves)
    assert four.named() == four.after


async def test_what_is_planned_is_what_the_tags_name(registry: HttpRegistry, four: Four) -> None:
    wanted = [(move.image, move.target, move.new) for move in four.moves]
    assert await plan_tag_updates(registry, wanted) == four.moves
    await update_tags(registry, four.moves)
    assert all(move.is_done for move in await plan_tag_updates(registry, wanted))


async def test_what_is_done_is_not_written_again(registry: HttpRegistry, four: Four) -> None:
    await update_tags(registry, four.moves)
    wanted = [(move.image, move.target, move.new) for move in four.moves]
    written = len(four.server.asked("PUT"))
    await update_tags(registry, await plan_tag_updates(registry, wanted))
    assert len(four.server.asked("PUT")) == written


async def test_one_tag_cannot_go_to_two_places(registry: HttpRegistry, four: Four) -> None:
    with pytest.raises(RequestError, match=rf"one place at a time: .*/stack/base:{STABLE}\.$"):
        await update_tags(registry, (*four.moves, four.moves[0]))
    assert four.server.seen == []


class Case(NamedTuple):
    """A fault of a method at an image's tag, from the `at`-th such request on, `times` in a row; what is told of it."""

    method: str
    act: Act
    says: str
    at: int = 1
    times: int = ALWAYS


# HEAD: the first before anything is written, the second after an image's own PUT, the third after all.
CASES = {
    "PUT not allowed": Case("PUT", refusing(403, "DENIED"), "does not allow anonymous users to write"),
    "PUT wants a login": Case("PUT", refusing(401), "requires a login"),
    "PUT refused": Case("PUT", refusing(400, "MANIFEST_INVALID"), "MANIFEST_INVALID", times=1),
    "disk full": Case("PUT", refusing(507), "no space left"),
    "PUT fails, and then does not": Case("PUT", refusing(500), "It was tried 5 times", times=TRIES),
    "PUT fails for ever": Case("PUT", refusing(503), "It was tried 5 times"),
    "too many": Case("PUT", refusing(429, Retry_After="3600"), "rate limit of"),
    "cut before": Case("PUT", cutting, "It was tried 5 times", times=TRIES),
    "cut during": Case("PUT", cutting_midway, "It was tried 5 times", times=TRIES),
    "cut after it was taken": Case("PUT", cutting_after, "It was tried 5 times", times=TRIES),
    "cut after it was taken, for ever": Case("PUT", cutting_after, "It was tried 5 times"),
    "something else was written": Case("PUT", telling(OTHER), f"stored {OTHER}", times=1),
    "something else was written, for ever": Case("PUT", telling(OTHER), f"stored {OTHER}"),
    "cannot be read before": Case("HEAD", refusing(500), "It was tried 5 times"),
    "cannot be read back": Case("HEAD", refusing(500), "It was tried 5 times", at=2, times=TRIES),
    "cannot be read any more": Case("HEAD", refusing(500), "It was tried 5 times", at=2),
    "is lost": Case("HEAD", answering(Reply(404, {})), "read back as missing", at=2, times=1),
    "reads another back": Case("HEAD", telling(OTHER), f"read back as {OTHER}", at=2, times=1),
    "cannot be read in the end": Case("HEAD", refusing(500), "It was tried 5 times", at=3, times=TRIES),
    "is gone in the end": Case("HEAD", answering(Reply(404, {})), "names nothing after all", at=3, times=1),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_fault_leaves_all_tags_as_they_were(registry: HttpRegistry, four: Four, case: Case, name: str) -> None:
    four.server.fault(case.method, at(name), case.act, at=case.at, times=case.times)
    error = await failing(registry, four)
    assert f"{name}: " in str(error)
    assert case.says in str(error)
    if case.times != ALWAYS:
        assert error.astray == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "act", [refusing(500), cutting, cutting_midway, cutting_after], ids=["500", "cut", "midway", "after"]
)
@pytest.mark.parametrize("method", ["PUT", "HEAD"])
async def test_what_passes_by_itself_stops_nothing(
    registry: HttpRegistry, four: Four, method: str, act: Act, name: str
) -> None:
    four.server.fault(method, at(name), act, times=TRIES - 1)
    await update_tags(registry, four.moves)
    assert four.named() == four.after


@pytest.mark.parametrize("deletes", [True, False], ids=["deletes", "does not delete"])
async def test_a_tag_that_did_not_exist_is_withdrawn(registry: HttpRegistry, four: Four, deletes: bool) -> None:  # noqa: FBT001
    four.server.contents.deletes = deletes
    four.server.fault("HEAD", at("scipy-ml"), refusing(403), at=3, times=1)
    error = await failing(registry, four)
    assert error.astray == ()
    assert (STABLE in four.server.contents.tags[path(ABSENT)]) == (not deletes)
    assert four.server.contents.find(path(ABSENT), four.new[ABSENT].digest) == four.new[ABSENT]
    # Withdrawn or not there, it is the same to the next who wants to move it.
    wanted = [(move.image, move.target, move.new) for move in four.moves]
    moves = await plan_tag_updates(registry, wanted)
    assert moves == four.moves
    await update_tags(registry, moves)
    assert four.named() == four.after


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_withdrawn_tag_that_cannot_be_read_stops_the_move(
    registry: HttpRegistry, four: Four, method: str
) -> None:
    four.server.contents.deletes = False
    four.server.fault("HEAD", at("scipy-ml"), refusing(403), at=3, times=1)
    await failing(registry, four)
    fault = four.server.fault(method, at(ABSENT), refusing(403), times=ALWAYS)
    assert "nothing was written" in str(await failing(registry, four))
    assert fault.seen == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("number", "left"),
    [
        pytest.param(1, "nothing was written", id="before all"),
        pytest.param(2, "so it was left as it is", id="after its own write"),
        pytest.param(3, "so it was left as it is", id="after all writes"),
    ],
)
async def test_a_rival_is_seen_and_not_overwritten(
    registry: HttpRegistry, four: Four, number: int, left: str, name: str
) -> None:
    four.server.fault("HEAD", at(name), meanwhile(lambda: four.rival(name)), at=number)
    with pytest.raises(TagUpdateError, match=left) as raised:
        await update_tags(registry, four.moves)
    rival = four.rival(name).digest
    assert four.named() == {**four.before, name: rival}
    assert f"stack/{name}:{STABLE}" in str(raised.value)
    assert rival in str(raised.value)
    assert [one.image for one in raised.value.astray] == ([] if number == 1 else [name])


async def test_a_tag_that_was_done_and_is_moved_away_stops_the_others(registry: HttpRegistry, four: Four) -> None:
    await registry.put(four.moves[0].target, four.new["base"])
    moves = await plan_tag_updates(registry, [(move.image, move.target, move.new) for move in four.moves])
    four.server.fault("HEAD", at("base"), meanwhile(lambda: four.rival("base")), at=2)
    with pytest.raises(
        TagUpdateError, match=r"base: .*/stack/base:2026.4-stable was to name .* after all were written"
    ):
        await update_tags(registry, moves)
    assert four.named() == {**four.before, "base": four.rival("base").digest}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "act", [refusing(500), refusing(403), cutting, cutting_after], ids=["500", "403", "cut", "after"]
)
async def test_what_cannot_be_put_back_is_named(registry: HttpRegistry, four: Four, act: Act, name: str) -> None:
    four.server.fault("PUT", at(name), act, at=2, times=ALWAYS)  # the second PUT would put it back
    four.server.fault("HEAD", at("base"), answering(Reply(404, {})), at=3)
    error = await failing(registry, four)
    astray = {one.image for one in error.astray}
    # The registry took what it did not confirm: the old manifest is there, or a withdrawal.
    assert astray == (set() if act is cutting_after else {name})
