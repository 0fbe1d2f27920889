"""Whatever goes wrong, and however often: all tags are updated, or each is restored, or the error lists it."""

from typing import NamedTuple

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ci.oci.reference import Reference, Repository
from ci.oci.registry import Manifest, digest_of
from ci.oci.tag_update import TagUpdate, update_tags
from ci.oci.tag_update_errors import UNKNOWN, TagUpdateError
from ci.oci.tombstone import is_tombstone
from ci.publish.tags import Place
from tests.integration.adapters.oci.contents import Contents, image_manifest
from tests.integration.promotion.flaky_registry import Fault, FlakyRegistry

CONFIG = b"{}"
ALONE = [Place(repository=Repository(host="registry.test", path=f"stack/{name}")) for name in "abcd"]
TOGETHER = [Place(repository=ALONE[0].repository, tag_prefix=prefix) for prefix in ("", "b-", "b-c-", "d-")]


class Case(NamedTuple):
    """For each of four images, whether it had a stable tag, and whether that pointed to the new image already.

    `places`: each has a repository of its own, or all have one, where some are the same image by their digest.
    """

    had: list[bool]
    done: list[bool]
    deletes: bool
    faults: list[Fault]
    places: list[Place]


def quiet_then(quiet: int, faults: list[Fault]) -> list[Fault]:
    return [Fault.NONE] * quiet + faults


# The first four requests only read. A fault among them, which a list of faults alone nearly always has, ends the update
# before anything is written: so most lists begin with some requests without one.
FAULTS = some.builds(
    quiet_then,
    some.integers(min_value=0, max_value=20),
    some.lists(some.sampled_from([*Fault, Fault.NONE, Fault.NONE]), max_size=30),
)
CASES = some.builds(
    Case,
    some.lists(some.booleans(), min_size=4, max_size=4),
    some.lists(some.booleans(), min_size=4, max_size=4),
    some.booleans(),
    FAULTS,
    some.sampled_from([ALONE, TOGETHER]),
)


def written(contents: Contents, tag: Reference, layer: bytes) -> Manifest:
    contents.blobs[str(tag.repository)] |= {digest_of(blob): blob for blob in (CONFIG, layer)}
    manifest = image_manifest(CONFIG, layer)
    contents.write(str(tag.repository), tag.target, manifest)
    return manifest


def current(contents: Contents, update: TagUpdate) -> str:
    found = contents.find(str(update.target.repository), update.target.tag)
    return found.digest if found and not is_tombstone(found) else "nothing"


def other_tags(contents: Contents) -> dict[tuple[str, str], str]:
    return {
        (repository, tag): digest
        for repository, tags in contents.tags.items()
        for tag, digest in tags.items()
        if not tag.endswith("stable")
    }


def planned(contents: Contents, case: Case) -> tuple[TagUpdate, ...]:
    updates = []
    for place, had, done in zip(case.places, case.had, case.done, strict=True):
        stable = place.tagged("stable")
        new = written(contents, place.tagged("tested"), b"new")
        old = written(contents, stable, b"new" if done else b"old") if had else None
        updates.append(TagUpdate(image=str(place), target=stable, new=new, old=old))
    return tuple(updates)


@given(CASES)
@settings(max_examples=300, deadline=None)
def test_all_are_updated_or_each_is_restored_or_listed(case: Case) -> None:
    contents = Contents(deletes=case.deletes)
    updates = planned(contents, case)
    before = other_tags(contents)
    rivals: set[Reference] = set()

    def write_as_rival(tag: Reference) -> None:
        rivals.add(tag)
        written(contents, tag, b"rival")

    registry = FlakyRegistry(contents, case.faults, write_as_rival)

    async def update() -> TagUpdateError | None:
        try:
            await update_tags(registry, updates)
        except TagUpdateError as error:
            return error
        return None

    error = anyio.run(update)
    assert other_tags(contents) == before
    if error is None:
        assert [current(contents, one) for one in updates] == [one.new.digest for one in updates]
        return
    unrestored = {one.target: one.current_digest for one in error.unrestored}
    listed = [*error.restored, *unrestored]
    assert len(listed) == len(set(listed))
    put = {one.target for one in updates if f"put {one.target}" in registry.calls}
    assert put <= set(listed) <= {one.target for one in updates}
    for one in updates:
        digest = current(contents, one)
        if one.target in error.restored:
            assert digest == one.old_digest
        elif one.target not in unrestored:
            assert digest == one.old_digest or one.target in rivals
        elif unrestored[one.target] != UNKNOWN:
            assert digest == unrestored[one.target] != one.old_digest


@pytest.mark.parametrize("places", [ALONE, TOGETHER], ids=["own repositories", "one repository"])
@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("request_number", range(16))
@pytest.mark.anyio
async def test_one_fault_leaves_all_tags_as_they_were(request_number: int, fault: Fault, places: list[Place]) -> None:
    contents = Contents()
    updates = planned(contents, Case([True, False, True, False], [False] * 4, deletes=True, faults=[], places=places))
    registry = FlakyRegistry(contents, [Fault.NONE] * request_number + [fault], lambda _tag: None)
    with pytest.raises(TagUpdateError) as raised:
        await update_tags(registry, updates)
    assert raised.value.unrestored == ()
    assert [current(contents, one) for one in updates] == [one.old_digest for one in updates]
