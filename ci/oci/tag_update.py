"""Tags of several images updated together: all of them, or none.

Registries have no transactions and no compare-and-swap. So the tags are read again before the first write and after
the last; on any failure in between, a cancellation too, the old manifests are written back and verified. Tags that
cannot be restored are listed in the error. Only manifests are written.
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

# Seconds for writing or restoring one tag, with all retries. A cancelled update may need both.
_TIMEOUT = 120.0

ResultType = TypeVar("ResultType")


class TagUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """`target`, a tag in the image's repository, is to point to `new`. `old` is what it pointed to when planned."""

    image: str
    target: Reference
    new: Manifest
    old: Manifest | None

    @property
    def old_digest(self) -> str:
        """The digest of the old manifest, or `nothing`."""
        return self.old.digest if self.old else NOTHING

    @property
    def is_done(self) -> bool:
        """Whether the target pointed to the new manifest already."""
        return self.old_digest == self.new.digest


Step = Callable[[TagUpdate], Awaitable[None]]


async def plan_tag_updates(
    registry: Registry, wanted: Iterable[tuple[str, Reference, Manifest]], limit: int = LIMIT
) -> tuple[TagUpdate, ...]:
    """Return an update for each (image, target, new manifest), with what the targets point to now."""

    async def plan(want: tuple[str, Reference, Manifest]) -> TagUpdate:
        image, target, new = want
        return TagUpdate(image=image, target=target, new=new, old=await read_tag(registry, target))

    return await gather_or_raise(plan, wanted, limit)


async def update_tags(registry: Registry, updates: Sequence[TagUpdate]) -> None:
    """Point every target to its new manifest, or leave all as they were when planned.

    Raises TagUpdateError if they were not updated; it lists every tag that could not be restored. When cancelled, it
    restores the tags before it ends, and waits for writes that have begun.
    """
    _refuse_duplicates(updates)
    causes = await _try(_verify_unchanged(registry), updates)
    if causes:
        raise aborted(causes)
    begun: list[TagUpdate] = []
    try:
        todo = [update for update in updates if not update.is_done]
        causes = await _try(_write(registry, begun), todo) or await _try(_verify_updated(registry), updates)
    except BaseException as error:  # a cancellation, or a bug here: the tags are restored first
        failure = await _restore_all(registry, begun, updates, (f"It was interrupted ({type(error).__name__}).",))
        if failure.unrestored:
            raise failure from error
        raise
    if causes:
        raise await _restore_all(registry, begun, updates, causes)


def _refuse_duplicates(updates: Sequence[TagUpdate]) -> None:
    targets = [update.target for update in updates]
    duplicates = sorted({str(target) for target in targets if targets.count(target) > 1})
    if duplicates:
        raise RequestError(f"These tags would be updated twice: {', '.join(duplicates)}.")


async def _try(step: Step, updates: Sequence[TagUpdate]) -> tuple[str, ...]:
    """Take a step for each update; return the errors as sentences."""
    results = await gather_results(step, updates)
    return tuple(f"{update.image}: {error}" for update, error in zip(updates, results, strict=True) if error)


def _verify_unchanged(registry: Registry) -> Step:
    async def verify(update: TagUpdate) -> None:
        current = await _read(registry, update)
        if current != update.old_digest:
            raise IntegrityError(
                f"{update.target} pointed to {update.old_digest} a moment ago and now points to {current}: another "
                "process updates it at the same time. Wait until that has ended."
            )

    return verify


def _write(registry: Registry, begun: list[TagUpdate]) -> Step:
    """Write targets until one fails; collect in `begun` which of them may have been written."""
    failed = anyio.Event()

    async def write(update: TagUpdate) -> None:
        if failed.is_set():
            return
        begun.append(update)
        try:
            # If it were cancelled, the registry might carry it out after the old manifest was restored.
            await _shielded(put_verified(registry, update.target, update.new), f"Writing {update.target}")
        except RegistryError:
            failed.set()
            raise

    return write


def _verify_updated(registry: Registry) -> Step:
    async def verify(update: TagUpdate) -> None:
        current = await _read(registry, update)
        if current != update.new.digest:
            raise IntegrityError(
                f"{update.target} was updated to {update.new.digest}, but points to {current} after all tags were "
                "written: another process updates it at the same time. Wait until that has ended."
            )

    return verify


async def _restore_all(
    registry: Registry, begun: Sequence[TagUpdate], updates: Sequence[TagUpdate], causes: Sequence[str]
) -> TagUpdateError:
    """Point the targets back to their old manifests; return the error to raise."""

    async def restore(update: TagUpdate) -> UnrestoredTag | None:
        try:
            reason = await _shielded(_restore(registry, update), "Restoring it")
        except RegistryError as error:
            reason = str(error)
        current = await _read_or_unknown(registry, update) if reason else update.old_digest
        if current == update.old_digest:
            return None
        return UnrestoredTag(
            image=update.image,
            target=update.target,
            old_digest=update.old_digest,
            current_digest=current,
            reason=reason,
        )

    with anyio.CancelScope(shield=True):
        unrestored = [one for one in await gather_or_raise(restore, begun) if one]
    lost = {one.target for one in unrestored}
    restored = [update.target for update in begun if update.target not in lost]
    return rolled_back(causes, restored, unrestored, total=len(updates))


async def _restore(registry: Registry, update: TagUpdate) -> str:
    """Point a target back to its old manifest; return the reason if it was left as it is."""
    current = await _read(registry, update)
    if current not in {update.old_digest, update.new.digest, NOTHING}:
        return "another process wrote it in the meantime, so it was left as it is."
    if current == update.old_digest:
        return ""
    if update.old:
        await put_verified(registry, update.target, update.old)
    else:
        await write_tombstone(registry, update.target)
    return ""


async def _read(registry: Registry, update: TagUpdate) -> str:
    return await read_digest(registry, update.target, {update.old_digest, update.new.digest}) or NOTHING


async def _read_or_unknown(registry: Registry, update: TagUpdate) -> str:
    try:
        return await _shielded(_read(registry, update), "Reading it")
    except RegistryError:
        return UNKNOWN


async def _shielded(work: Awaitable[ResultType], action: str) -> ResultType:
    with anyio.move_on_after(_TIMEOUT, shield=True):
        return await work
    raise UnreachableError(f"{action} timed out after {_TIMEOUT:.0f} s.")
