"""Tags end all old, or all new, or the error lists each that is neither: over HTTP, every fault at every image."""

from typing import NamedTuple

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.errors import RequestError
from ci.oci.reference import Reference
from ci.oci.registry import Manifest, digest_of
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
from tests.integration.promotion.four_images import ABSENT, NAMES, STABLE, FourImages, at, path

pytestmark = pytest.mark.anyio

ALWAYS = 99
TRIES = 5
OTHER = digest_of(b"another")


@pytest.fixture
def images(server: RegistryServer) -> FourImages:
    return FourImages(server)


def wanted(images: FourImages) -> list[tuple[str, Reference, Manifest]]:
    return [(update.image, update.target, update.new) for update in images.updates]


def telling(digest: str) -> Act:
    return altering(lambda reply: reply._replace(headers={**reply.headers, "Docker-Content-Digest": digest}))


async def failing(registry: HttpRegistry, images: FourImages) -> TagUpdateError:
    """Update the tags, which must fail; the error must list every tag that is not as before, and no other."""
    with pytest.raises(TagUpdateError) as raised:
        await update_tags(registry, images.updates)
    now = images.digests()
    differing = {name: now[name] for name in NAMES if now[name] != images.before[name]}
    unrestored = {one.image: one.current_digest for one in raised.value.unrestored}
    assert unrestored.keys() == differing.keys()
    for name, digest in differing.items():
        assert unrestored[name] in {digest or "nothing", UNKNOWN}
        old = images.before[name] or "nothing"
        if unrestored[name] == UNKNOWN:
            points = f"pointed to {old}, now unknown (the registry cannot be read)"
        else:
            points = f"points to {unrestored[name]} instead of {old}"
        assert f"{path(name)}:{STABLE} {points}. {name}: " in str(raised.value)
    restored = {target.repository.path.removeprefix("stack/") for target in raised.value.restored}
    assert not restored & differing.keys()
    return raised.value


async def test_all_tags_are_updated(registry: HttpRegistry, images: FourImages) -> None:
    await update_tags(registry, images.updates)
    assert images.digests() == images.after


async def test_the_plan_has_what_the_tags_point_to(registry: HttpRegistry, images: FourImages) -> None:
    assert await plan_tag_updates(registry, wanted(images)) == images.updates
    await update_tags(registry, images.updates)
    assert all(update.is_done for update in await plan_tag_updates(registry, wanted(images)))


async def test_what_is_done_is_not_written_again(registry: HttpRegistry, images: FourImages) -> None:
    await update_tags(registry, images.updates)
    written = len(images.server.asked("PUT"))
    await update_tags(registry, await plan_tag_updates(registry, wanted(images)))
    assert len(images.server.asked("PUT")) == written


async def test_one_tag_cannot_be_updated_twice(registry: HttpRegistry, images: FourImages) -> None:
    with pytest.raises(RequestError, match=rf"would be updated twice: .*/stack/base:{STABLE}\.$"):
        await update_tags(registry, (*images.updates, images.updates[0]))
    assert images.server.seen == []


class Case(NamedTuple):
    """A fault of a method at an image's tag, from the `at`-th such request on, `times` in a row; and its message."""

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
    "PUT keeps failing": Case("PUT", refusing(503), "It was tried 5 times"),
    "too many": Case("PUT", refusing(429, Retry_After="3600"), "rate limit of"),
    "cut before": Case("PUT", cutting, "It was tried 5 times", times=TRIES),
    "cut during": Case("PUT", cutting_midway, "It was tried 5 times", times=TRIES),
    "cut after it was carried out": Case("PUT", cutting_after, "It was tried 5 times", times=TRIES),
    "always cut after it was carried out": Case("PUT", cutting_after, "It was tried 5 times"),
    "something else was written": Case("PUT", telling(OTHER), f"stored {OTHER}", times=1),
    "something else is always written": Case("PUT", telling(OTHER), f"stored {OTHER}"),
    "cannot be read before": Case("HEAD", refusing(500), "It was tried 5 times"),
    "cannot be read back": Case("HEAD", refusing(500), "It was tried 5 times", at=2, times=TRIES),
    "cannot be read any more": Case("HEAD", refusing(500), "It was tried 5 times", at=2),
    "is lost": Case("HEAD", answering(Reply(404, {})), "read back as missing", at=2, times=1),
    "reads another back": Case("HEAD", telling(OTHER), f"read back as {OTHER}", at=2, times=1),
    "cannot be read in the end": Case("HEAD", refusing(500), "It was tried 5 times", at=3, times=TRIES),
    "is gone in the end": Case("HEAD", answering(Reply(404, {})), "points to nothing after all tags", at=3, times=1),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_fault_leaves_all_tags_as_they_were(
    registry: HttpRegistry, images: FourImages, case: Case, name: str
) -> None:
    images.server.fault(case.method, at(name), case.act, at=case.at, times=case.times)
    error = await failing(registry, images)
    assert f"{name}: " in str(error)
    assert case.says in str(error)
    if case.times != ALWAYS:
        assert error.unrestored == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "act", [refusing(500), cutting, cutting_midway, cutting_after], ids=["500", "cut", "midway", "after"]
)
@pytest.mark.parametrize("method", ["PUT", "HEAD"])
async def test_transient_faults_stop_nothing(
    registry: HttpRegistry, images: FourImages, method: str, act: Act, name: str
) -> None:
    images.server.fault(method, at(name), act, times=TRIES - 1)
    await update_tags(registry, images.updates)
    assert images.digests() == images.after


@pytest.mark.parametrize("deletes", [True, False], ids=["deletes", "does not delete"])
async def test_a_tag_that_did_not_exist_is_removed(registry: HttpRegistry, images: FourImages, deletes: bool) -> None:  # noqa: FBT001
    images.server.contents.deletes = deletes
    images.server.fault("HEAD", at("scipy-ml"), refusing(403), at=3, times=1)
    error = await failing(registry, images)
    assert error.unrestored == ()
    assert (STABLE in images.server.contents.tags[path(ABSENT)]) == (not deletes)
    assert images.server.contents.find(path(ABSENT), images.new[ABSENT].digest) == images.new[ABSENT]
    # The next update reads a tombstone as an absent tag.
    updates = await plan_tag_updates(registry, wanted(images))
    assert updates == images.updates
    await update_tags(registry, updates)
    assert images.digests() == images.after


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_removed_tag_that_cannot_be_read_stops_the_update(
    registry: HttpRegistry, images: FourImages, method: str
) -> None:
    images.server.contents.deletes = False
    images.server.fault("HEAD", at("scipy-ml"), refusing(403), at=3, times=1)
    await failing(registry, images)
    fault = images.server.fault(method, at(ABSENT), refusing(403), times=ALWAYS)
    assert "nothing was written" in str(await failing(registry, images))
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
async def test_a_rival_is_detected_and_not_overwritten(
    registry: HttpRegistry, images: FourImages, number: int, left: str, name: str
) -> None:
    images.server.fault("HEAD", at(name), meanwhile(lambda: images.rival(name)), at=number)
    with pytest.raises(TagUpdateError, match=left) as raised:
        await update_tags(registry, images.updates)
    rival = images.rival(name).digest
    assert images.digests() == {**images.before, name: rival}
    assert f"stack/{name}:{STABLE}" in str(raised.value)
    assert rival in str(raised.value)
    assert [one.image for one in raised.value.unrestored] == ([] if number == 1 else [name])


async def test_a_rival_at_a_tag_that_was_up_to_date_stops_the_others(
    registry: HttpRegistry, images: FourImages
) -> None:
    await registry.put(images.updates[0].target, images.new["base"])
    updates = await plan_tag_updates(registry, wanted(images))
    images.server.fault("HEAD", at("base"), meanwhile(lambda: images.rival("base")), at=2)
    with pytest.raises(
        TagUpdateError, match=r"base: .*/stack/base:2026.4-stable was updated to .* after all tags were written"
    ):
        await update_tags(registry, updates)
    assert images.digests() == {**images.before, "base": images.rival("base").digest}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "act", [refusing(500), refusing(403), cutting, cutting_after], ids=["500", "403", "cut", "after"]
)
async def test_what_cannot_be_restored_is_listed(
    registry: HttpRegistry, images: FourImages, act: Act, name: str
) -> None:
    images.server.fault("PUT", at(name), act, at=2, times=ALWAYS)  # the second PUT would restore it
    images.server.fault("HEAD", at("base"), answering(Reply(404, {})), at=3)
    error = await failing(registry, images)
    unrestored = {one.image for one in error.unrestored}
    # The registry carried out what it did not confirm: the old manifest is there, or a tombstone.
    assert unrestored == (set() if act is cutting_after else {name})
