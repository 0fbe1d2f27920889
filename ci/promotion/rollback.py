"""Rollback: a stable tag goes back to what it named, for all images or for none; and the history that leads there."""

from collections.abc import Mapping

from ci.errors import PromotionDeniedError
from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.reference import Repository
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError
from ci.oci.tag_update import TagUpdate
from ci.oci.tombstone import read_digest, read_tag, tombstone_manifest
from ci.promotion.apply import PromotionPlan, recorded
from ci.promotion.history import read_history
from ci.promotion.records import Kind, Names, PromotionRecord
from ci.promotion.timeline import RecordStatus, Timeline, read_timeline

_LEAST_ID = 6


async def collect_history(registry: Registry, repositories: Mapping[str, Repository], tag: str) -> Timeline:
    """Return what became of all promotions of a stable tag. `repositories` are those of the stack's images, by name."""
    records = await read_history(registry, repositories.values(), tag)
    places = tuple(dict.fromkeys(Repository.parse(place) for record in records for place in record.new(tag)))
    found = await gather_or_raise(lambda place: read_digest(registry, place.tagged(tag), ()), places)
    now = {str(place): digest for place, digest in zip(places, found, strict=True)}
    return read_timeline(records, tag, now)


async def plan_rollback(registry: Registry, timeline: Timeline, *, at: str, to: str = "") -> PromotionPlan:
    """Return what going back changes: to what was before the promotion in uncached_function, or to the record `to`.

    `to` is a record's number or the beginning of its id; `at` the time now, RFC 3339, UTC. A rollback after a rollback
    goes back one more promotion. Raises PromotionDeniedError; reads, and writes nothing.
    """
    current = timeline.current
    if current is None:
        raise _refused(timeline, *_unknown(timeline))
    restores, names = _chosen(timeline, to) if to else _one_back(timeline, current)
    moves = await _plan_moves(registry, timeline, names)
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.ROLLBACK,
            number=1 + max(entry.record.number for entry in timeline.entries),
            at=at,
            source=restores.source if restores else "",
            commit=restores.commit if restores else "",
            run=restores.run if restores else "",
            restores=restores.number if restores else 0,
            moves=tuple(recorded(move) for move in moves),
        ),
        moves=moves,
    )


def _refused(timeline: Timeline, *problems: str) -> PromotionDeniedError:
    return PromotionDeniedError(f"{timeline.tag} was not rolled back", problems)


def _unknown(timeline: Timeline) -> tuple[str, ...]:
    """LogLine why no record says what the tag names."""
    if timeline.drifted_tags:
        return tuple(
            f"{place}:{timeline.tag} names {names or 'nothing'}, and the newest record says {said or 'nothing'}: it "
            "was moved without a record. Promote again, or put it back by hand."
            for place, said, names in timeline.drifted_tags
        )
    if timeline.entries:
        return (f"{timeline.tag} names what it named before its first recorded promotion.",)
    return (f"There is no record of a promotion of {timeline.tag}: correct the tag; `2023.2-stable` is one.",)


def _one_back(timeline: Timeline, current: PromotionRecord) -> tuple[PromotionRecord | None, Names]:
    promotion = timeline.promotion(current)
    if promotion is None:
        raise _refused(timeline, f"{timeline.tag} names again what it named before its first recorded promotion.")
    previous = timeline.previous(promotion)
    return timeline.promotion(previous) if previous else None, timeline.before(promotion)


def _chosen(timeline: Timeline, to: str) -> tuple[PromotionRecord | None, Names]:
    found = [
        entry
        for entry in timeline.entries
        if to == str(entry.record.number) or (len(_bare(to)) >= _LEAST_ID and _id(entry.record).startswith(_bare(to)))
    ]
    standing = [entry.record for entry in found if entry.standing in {RecordStatus.NOW, RecordStatus.EARLIER}]
    if len(standing) == 1:
        return timeline.promotion(standing[0]), timeline.after(standing[0])
    known = ", ".join(str(entry.record.number) for entry in timeline.entries)
    if not found:
        raise _refused(timeline, f"{to!r} is no record of {timeline.tag}; there are {known}: see its history.")
    if not standing:
        raise _refused(
            timeline,
            f"Record {to} of {timeline.tag} never came into uncached_function, or was undone: see its history.",
        )
    raise _refused(timeline, f"{to!r} means {len(standing)} records of {timeline.tag}: give more of its id.")


def _id(record: PromotionRecord) -> str:
    return _bare(record.id)


def _bare(text: str) -> str:
    return text.removeprefix("sha256:")


async def _plan_moves(registry: Registry, timeline: Timeline, names: Names) -> tuple[TagUpdate, ...]:
    """Return a move for each repository where the tag names something, or is to."""
    images = {move.repository: move.image for entry in timeline.entries for move in entry.record.moves}

    async def plan(place: str) -> TagUpdate:
        repository, digest = Repository.parse(place), names[place]
        target = repository.tagged(timeline.tag)
        old = await read_tag(registry, target)
        new = await _fetch(registry, repository, digest) if digest else tombstone_manifest(target)
        return TagUpdate(image=images[place], target=target, new=new, old=old)

    wanted = sorted(place for place in names if names[place] or timeline.now.get(place))
    answers = await gather_results(plan, wanted)
    problems = [str(answer) for answer in answers if isinstance(answer, RegistryError)]
    if problems:
        raise _refused(timeline, *problems)
    return tuple(answer for answer in answers if isinstance(answer, TagUpdate))


async def _fetch(registry: Registry, repository: Repository, digest: str) -> Manifest:
    manifest = await registry.get(repository.pinned(digest))
    if manifest is None:
        raise IntegrityError(
            f"{repository.pinned(digest)} is no longer there, which it would go back to: it was deleted. Choose "
            "another record with --to, or promote."
        )
    return manifest
