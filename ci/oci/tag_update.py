"""Tags of several images moved together: all of them, or none.

Registries have no transactions, and no compare-and-swap. So what the tags name is read again before the first write and
after the last; whatever goes wrong in between, a cancellation too, has the old manifests written back and verified.
What cannot be put back is named. Only manifests move.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import anyio
import msgspec

from ci.errors import RequestError
from ci.oci.concurrency import LIMIT, gather_or_raise, gather_results
from ci.oci.reference import Reference
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError, UnreachableError, put_verified
from ci.oci.tag_update_errors import NOTHING, UNKNOWN, TagUpdateError, UnrestoredTag, aborted, rolled_back
from ci.oci.tombstone import read_digest, read_tag, write_tombstone

# Seconds for writing one tag, or putting it back, with all that is tried again. A cancelled move may take both.
_PATIENCE = 120.0

ResultType = TypeVar("ResultType")


class TagUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """`target`, a tag of the image's repository, shall name `new`; `old` is what it named when this was planned."""

    image: str
    target: Reference
    new: Manifest
    old: Manifest | None

    @property
    def was(self) -> str:
        """The digest of the old manifest, or `nothing`."""
        return self.old.digest if self.old else NOTHING

    @property
    def is_done(self) -> bool:
        """Whether the target named the new manifest already."""
        return self.was == self.new.digest


Step = Callable[[TagUpdate], Awaitable[None]]


async def plan_tag_updates(
    registry: Registry, wanted: Iterable[tuple[str, Reference, Manifest]], limit: int = LIMIT
) -> tuple[TagUpdate, ...]:
    """Return a move for each (image, target, new manifest), with what the targets name now."""

    async def plan(want: tuple[str, Reference, Manifest]) -> TagUpdate:
        image, target, new = want
        return TagUpdate(image=image, target=target, new=new, old=await read_tag(registry, target))

    return await gather_or_raise(plan, wanted, limit)


async def update_tags(registry: Registry, moves: Sequence[TagUpdate]) -> None:
    """Make every target name its new manifest, or leave them all as they were planned.

    Raises TagUpdateError when they are as they were, and when they could not be made so: then it names each that is not.
    Cancelled, it puts back what was before it ends; writes that are under way are waited for.
    """
    _refuse_twice(moves)
    causes = await _try(_prove_unmoved(registry), moves)
    if causes:
        raise aborted(causes)
    begun: list[TagUpdate] = []
    try:
        todo = [move for move in moves if not move.is_done]
        causes = await _try(_write(registry, begun), todo) or await _try(_prove_moved(registry), moves)
    except BaseException as error:  # cancelled, or a mistake in here: what the tags name comes first
        failure = await _put_back(registry, begun, moves, (f"It was interrupted ({type(error).__name__}).",))
        if failure.astray:
            raise failure from error
        raise
    if causes:
        raise await _put_back(registry, begun, moves, causes)


def _refuse_twice(moves: Sequence[TagUpdate]) -> None:
    targets = [move.target for move in moves]
    twice = sorted({str(target) for target in targets if targets.count(target) > 1})
    if twice:
        raise RequestError(f"A tag can only be moved to one place at a time: {', '.join(twice)}.")


async def _try(step: Step, moves: Sequence[TagUpdate]) -> tuple[str, ...]:
    """Take a step for each move; return what went wrong."""
    answers = await gather_results(step, moves)
    return tuple(f"{move.image}: {answer}" for move, answer in zip(moves, answers, strict=True) if answer)


def _prove_unmoved(registry: Registry) -> Step:
    async def prove(move: TagUpdate) -> None:
        found = await _read(registry, move)
        if found != move.was:
            raise IntegrityError(
                f"{move.target} named {move.was} a moment ago and names {found} now: something else moves it at the "
                "same time. Wait for that to end."
            )

    return prove


def _write(registry: Registry, begun: list[TagUpdate]) -> Step:
    """Write targets until one fails; keep in `begun` which of them may have been written."""
    failed = anyio.Event()

    async def write(move: TagUpdate) -> None:
        if failed.is_set():
            return
        begun.append(move)
        try:
            # Cut off, it might be carried out after the old manifest was put back.
            await _shielded(put_verified(registry, move.target, move.new), f"Writing {move.target}")
        except RegistryError:
            failed.set()
            raise

    return write


def _prove_moved(registry: Registry) -> Step:
    async def prove(move: TagUpdate) -> None:
        found = await _read(registry, move)
        if found != move.new.digest:
            raise IntegrityError(
                f"{move.target} was to name {move.new.digest} and names {found} after all were written: something else "
                "moves it at the same time. Wait for that to end."
            )

    return prove


async def _put_back(
    registry: Registry, begun: Sequence[TagUpdate], moves: Sequence[TagUpdate], causes: Sequence[str]
) -> TagUpdateError:
    """Make targets name what they named before; return what there is to tell of it."""

    async def put_back(move: TagUpdate) -> UnrestoredTag | None:
        try:
            why = await _shielded(_restore(registry, move), "Putting it back")
        except RegistryError as error:
            why = str(error)
        names = await _read_at_last(registry, move) if why else move.was
        return (
            None
            if names == move.was
            else UnrestoredTag(image=move.image, target=move.target, was=move.was, names=names, why=why)
        )

    with anyio.CancelScope(shield=True):
        found = await gather_or_raise(put_back, begun)
    targets = [move.target for move in begun]
    return rolled_back(causes, targets, len(moves), [one for one in found if one])


async def _restore(registry: Registry, move: TagUpdate) -> str:
    """Put the old manifest back onto a target; return why it was left as it is, if it was."""
    names = await _read(registry, move)
    if names not in {move.was, move.new.digest, NOTHING}:
        return "something else wrote it in the meantime, so it was left as it is."
    if names == move.was:
        return ""
    if move.old:
        await put_verified(registry, move.target, move.old)
    else:
        await write_tombstone(registry, move.target)
    return ""


async def _read(registry: Registry, move: TagUpdate) -> str:
    return await read_digest(registry, move.target, {move.was, move.new.digest}) or NOTHING


async def _read_at_last(registry: Registry, move: TagUpdate) -> str:
    try:
        return await _shielded(_read(registry, move), "Reading it")
    except RegistryError:
        return UNKNOWN


async def _shielded(work: Awaitable[ResultType], doing: str) -> ResultType:
    with anyio.move_on_after(_PATIENCE, shield=True):
        return await work
    raise UnreachableError(f"{doing} has not ended after {_PATIENCE:.0f} s.")
