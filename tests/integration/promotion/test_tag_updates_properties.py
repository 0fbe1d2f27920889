"""Whatever goes wrong, and however often: all tags as before, or all moved, or named."""

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
from tests.integration.adapters.oci.contents import Contents, image_manifest
from tests.integration.promotion.flaky_registry import Fate, ShakyRegistry

CONFIG = b"{}"
REPOSITORIES = [Repository(host="registry.test", path=f"stack/{name}") for name in "abcd"]


class Case(NamedTuple):
    """How many images there are, whether each had a stable tag, and whether it named the new image already."""

    had: list[bool]
    done: list[bool]
    deletes: bool
    fates: list[Fate]


CASES = some.builds(
    Case,
    some.lists(some.booleans(), min_size=4, max_size=4),
    some.lists(some.booleans(), min_size=4, max_size=4),
    some.booleans(),
    some.lists(some.sampled_from([*Fate, Fate.FINE, Fate.FINE]), max_size=40),
)


def written(contents: Contents, name: Reference, layer: bytes) -> Manifest:
    contents.blobs[str(name.repository)] |= {digest_of(blob): blob for blob in (CONFIG, layer)}
    manifest = image_manifest(CONFIG, layer)
    contents.write(str(name.repository), name.target, manifest)
    return manifest


def named(contents: Contents, move: TagUpdate) -> str:
    found = contents.find(str(move.target.repository), move.target.tag)
    return found.digest if found and not is_tombstone(found) else "nothing"


def planned(contents: Contents, case: Case) -> tuple[TagUpdate, ...]:
    moves = []
    for repository, had, done in zip(REPOSITORIES, case.had, case.done, strict=True):
        stable = repository.tagged("stable")
        new = written(contents, repository.tagged("tested"), b"new")
        old = written(contents, stable, b"new" if done else b"old") if had else None
        moves.append(TagUpdate(image=repository.path, target=stable, new=new, old=old))
    return tuple(moves)


@given(CASES)
@settings(max_examples=300, deadline=None)
def test_all_or_none_or_named(case: Case) -> None:
    contents = Contents(deletes=case.deletes)
    moves = planned(contents, case)
    registry = ShakyRegistry(contents, case.fates, lambda name: written(contents, name, b"rival"))

    async def move() -> TagUpdateError | None:
        try:
            await update_tags(registry, moves)
        except TagUpdateError as error:
            return error
        return None

    error = anyio.run(move)
    if error is None:
        assert [named(contents, move) for move in moves] == [move.new.digest for move in moves]
        return
    told = {one.target: one.names for one in error.astray}
    for one in moves:
        names = named(contents, one)
        assert names == one.was or told.get(one.target) in {names, UNKNOWN} or str(one.target) in str(error)
    assert all(named(contents, one) != one.was or told[one.target] == UNKNOWN for one in moves if one.target in told)


@pytest.mark.parametrize("fate", [Fate.BEFORE, Fate.AFTER])
@pytest.mark.parametrize("call", range(16))
@pytest.mark.anyio
async def test_one_fault_leaves_all_as_it_was(call: int, fate: Fate) -> None:
    contents = Contents()
    moves = planned(contents, Case([True, False, True, False], [False] * 4, deletes=True, fates=[]))
    registry = ShakyRegistry(contents, [Fate.FINE] * call + [fate], lambda _name: None)
    with pytest.raises(TagUpdateError) as raised:
        await update_tags(registry, moves)
    assert raised.value.astray == ()
    assert [named(contents, move) for move in moves] == [move.was for move in moves]
