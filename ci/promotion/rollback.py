"""Rollback: a stable tag points back to its earlier images, for all of them or none."""

from typing import NamedTuple

from ci.oci.concurrency import gather_results
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError
from ci.oci.tag_update import TagUpdate
from ci.oci.tombstone import read_tag, tombstone_manifest
from ci.promotion.apply import PromotionPlan, StackTarget, to_record
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.explain import describe, explain_gone, explain_skipped, explain_unfinished
from ci.promotion.records import Digests, Kind, PromotionRecord
from ci.promotion.timeline import EFFECTIVE, RecordStatus, Timeline, matches
from ci.publish.tags import Place

_MIN_ID = 6


class _Goal(NamedTuple):
    """What a tag is to point to; the record of that state, which may be of another; and why, as a sentence."""

    digests: Digests
    record: PromotionRecord | None
    why: str


async def plan_rollback(registry: Registry, timeline: Timeline, *, at: str, to: str = "") -> PromotionPlan:
    """Return what rolling back changes: to the state before the promotion in effect, or to the record `to`.

    `to` is a record's number or the beginning of its id; `at` the time now, RFC 3339, UTC. A rollback after a rollback
    goes back one more promotion. After an interrupted promotion it goes back to the state before that; after an
    interrupted rollback it finishes that. Raises PromotionDeniedError. Writes nothing.
    """
    digests, record, why = _goal(timeline, to)
    if record is not None and not matches(record.new(timeline.tag), digests):
        record = None  # the record of that state is gone, or the tag was changed outside this tool before
    updates = await _plan_updates(registry, timeline, digests)
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.ROLLBACK,
            number=1 + timeline.last_number,
            at=at,
            source=record.source if record else "",
            commit=record.commit if record else "",
            run=record.run if record else "",
            restores=_stable_after(record),
            moves=tuple(to_record(target, update, timeline.whole) for target, update in updates.items()),
        ),
        updates=tuple(updates.values()),
        is_mending=timeline.interrupted is not None,
        notes=(
            *explain_skipped(timeline),
            f"{why} {timeline.tag} goes back to {_name(digests, record)}.",
            *explain_gone(timeline),
        ),
    )


def _stable_after(record: PromotionRecord | None) -> int:
    """Return the number of the promotion whose images are stable after a record; 0 if no record describes them."""
    if record is None:
        return 0
    return record.number if record.kind is Kind.PROMOTION else record.restores


def _name(digests: Digests, record: PromotionRecord | None) -> str:
    number = _stable_after(record)
    if record and number:
        return f"{record.source} (record {number})"
    return "a state without a record" if any(digests.values()) else "no images"


def _goal(timeline: Timeline, to: str) -> _Goal:
    current, unfinished = timeline.current, timeline.interrupted
    if to and (current or unfinished):
        return _chosen(timeline, to)
    if unfinished and unfinished.kind is Kind.ROLLBACK:
        why = f"{explain_unfinished(timeline, unfinished)} This finishes it:"
        return _Goal(timeline.after(unfinished), unfinished, why)
    if unfinished:
        why = f"{explain_unfinished(timeline, unfinished)} This undoes it:"
        return _Goal(timeline.before(unfinished), timeline.previous(unfinished), why)
    if current is None:
        raise _denied(timeline, *_unknown_state(timeline))
    return _one_back(timeline, current)


def _denied(timeline: Timeline, *problems: str) -> PromotionDeniedError:
    return PromotionDeniedError(f"{timeline.tag} was not rolled back", (*problems, *explain_gone(timeline)))


def _unknown_state(timeline: Timeline) -> tuple[str, ...]:
    """Explain why no record describes what the tag points to."""
    if timeline.drifted_tags:
        by = "by a promotion whose record is gone, or outside this tool" if timeline.gone else "outside this tool"
        return tuple(
            f"{Place.parse(place).tagged(timeline.tag)} points to {current or 'nothing'}, but the latest promotion "
            f"record says {recorded or 'nothing'}: the tag was changed {by}. Promote again, or restore it by hand."
            for place, recorded, current in timeline.drifted_tags
        )
    if timeline.entries:
        return (f"{timeline.tag} points to what it did before its first recorded promotion.",)
    if timeline.gone:
        return (f"No promotion record of {timeline.tag} is left, so what it pointed to before is not known. Promote.",)
    return (f"There is no promotion record for {timeline.tag}. Is that a stable tag, such as 2026.4-stable?",)


def _one_back(timeline: Timeline, current: PromotionRecord) -> _Goal:
    promotion: PromotionRecord | None = timeline.promotion(current)
    # A promotion of several tags may have changed nothing of this one.
    while promotion and promotion.old(timeline.tag) == promotion.new(timeline.tag):
        previous = timeline.previous(promotion)
        promotion = timeline.promotion(previous) if previous else None
    if promotion is None:
        raise _denied(timeline, _no_way_back(timeline, current))
    why = f"This undoes record {promotion.number} ({describe(promotion)}):"
    return _Goal(timeline.before(promotion), timeline.previous(promotion), why)


def _no_way_back(timeline: Timeline, current: PromotionRecord) -> str:
    if current.kind is Kind.PROMOTION:
        return f"{timeline.tag} pointed to the same images before the first promotion that is recorded."
    if current.restores:
        state = f"record {current.restores}, which is gone"
    elif any(current.new(timeline.tag).values()):
        state = "a state without a record"
    else:
        return f"{timeline.tag} was rolled back to the state before its first recorded promotion."
    return (
        f"{timeline.tag} was rolled back to {state}, so what it pointed to before that is not known. Give the record "
        "to go back to with --to: see its history."
    )


def _chosen(timeline: Timeline, to: str) -> _Goal:
    prefix = _hex(to)
    found = [
        entry
        for entry in timeline.entries
        if to == str(entry.record.number) or (len(prefix) >= _MIN_ID and _hex(entry.record.id).startswith(prefix))
    ]
    effective = [entry.record for entry in found if entry.status in EFFECTIVE]
    if len(effective) == 1:
        return _Goal(timeline.after(effective[0]), effective[0], f"As --to {to} says,")
    if effective:
        raise _denied(timeline, f"{to!r} matches {len(effective)} records of {timeline.tag}: give a longer id.")
    if found and found[0].status is RecordStatus.INTERRUPTED:
        raise _denied(timeline, explain_unfinished(timeline, found[0].record) + " Its history says how to finish it.")
    if found:
        raise _denied(timeline, f"Record {to} of {timeline.tag} never took effect, or was undone: see its history.")
    known = ", ".join(str(entry.record.number) for entry in timeline.entries)
    raise _denied(timeline, f"{timeline.tag} has no record {to!r}, only {known}: see its history.")


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


async def _plan_updates(registry: Registry, timeline: Timeline, digests: Digests) -> dict[StackTarget, TagUpdate]:
    """Return an update for each image whose tag points to something, or is to, or was changed by what is ended.

    The last may have no tag already; but its history must have the record that ends what was interrupted there.
    """
    images = {update.place: update.image for entry in timeline.entries for update in entry.record.moves}

    async def plan(target: StackTarget) -> TagUpdate:
        digest = digests[str(target.place)]
        old = await read_tag(registry, target.reference)
        new = await _fetch(registry, target.place, digest) if digest else tombstone_manifest(target.reference)
        return TagUpdate(image=target.image, target=target.reference, new=new, old=old)

    wanted = sorted(place for place in digests if digests[place] or timeline.now.get(place) or place in timeline.whole)
    targets = [StackTarget(images[place], Place.parse(place), timeline.tag) for place in wanted]
    results = await gather_results(plan, targets)
    problems = [str(result) for result in results if isinstance(result, RegistryError)]
    if problems:
        raise _denied(timeline, *problems)
    return {target: result for target, result in zip(targets, results, strict=True) if isinstance(result, TagUpdate)}


async def _fetch(registry: Registry, place: Place, digest: str) -> Manifest:
    manifest = await registry.get(place.pinned(digest))
    if manifest is None:
        raise IntegrityError(
            f"Cannot roll back to {place.pinned(digest)}: it was deleted. Choose another record with --to, or "
            "promote a stack."
        )
    return manifest
