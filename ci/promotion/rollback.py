"""Rollback: a stable tag points back to its earlier images, for all of them or none; and the history it is based on."""

from collections.abc import Mapping

from ci.errors import PromotionDeniedError
from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.reference import Repository
from ci.oci.registry import IntegrityError, Manifest, Registry, RegistryError
from ci.oci.tag_update import TagUpdate
from ci.oci.tombstone import read_digest, read_tag, tombstone_manifest
from ci.promotion.apply import PromotionPlan, to_record
from ci.promotion.history import read_history
from ci.promotion.records import Digests, Kind, PromotionRecord
from ci.promotion.timeline import RecordStatus, Timeline, read_timeline

_MIN_ID = 6


async def collect_history(registry: Registry, repositories: Mapping[str, Repository], tag: str) -> Timeline:
    """Return all promotions of a stable tag, with their status. `repositories` are those of the stack, by image."""
    records = await read_history(registry, repositories.values(), tag)
    recorded = tuple(dict.fromkeys(Repository.parse(name) for record in records for name in record.new(tag)))
    digests = await gather_or_raise(lambda repository: read_digest(registry, repository.tagged(tag), ()), recorded)
    now = {str(repository): digest for repository, digest in zip(recorded, digests, strict=True)}
    return read_timeline(records, tag, now)


async def plan_rollback(registry: Registry, timeline: Timeline, *, at: str, to: str = "") -> PromotionPlan:
    """Return what rolling back changes: to the state before the promotion in effect, or to the record `to`.

    `to` is a record's number or the beginning of its id; `at` the time now, RFC 3339, UTC. A rollback after a rollback
    goes back one more promotion. Raises PromotionDeniedError. Writes nothing.
    """
    current = timeline.current
    if current is None:
        raise _denied(timeline, *_unknown_state(timeline))
    restored, digests = _chosen(timeline, to) if to else _one_back(timeline, current)
    updates = await _plan_updates(registry, timeline, digests)
    return PromotionPlan(
        record=PromotionRecord(
            kind=Kind.ROLLBACK,
            number=1 + max(entry.record.number for entry in timeline.entries),
            at=at,
            source=restored.source if restored else "",
            commit=restored.commit if restored else "",
            run=restored.run if restored else "",
            restores=restored.number if restored else 0,
            moves=tuple(to_record(update) for update in updates),
        ),
        updates=updates,
    )


def _denied(timeline: Timeline, *problems: str) -> PromotionDeniedError:
    return PromotionDeniedError(f"{timeline.tag} was not rolled back", problems)


def _unknown_state(timeline: Timeline) -> tuple[str, ...]:
    """Explain why no record describes what the tag points to."""
    if timeline.drifted_tags:
        return tuple(
            f"{repository}:{timeline.tag} points to {current or 'nothing'}, but the latest promotion record says "
            f"{recorded or 'nothing'}: the tag was changed outside this tool. Promote again, or restore it by hand."
            for repository, recorded, current in timeline.drifted_tags
        )
    if timeline.entries:
        return (f"{timeline.tag} points to what it did before its first recorded promotion.",)
    return (f"There is no promotion record for {timeline.tag}. Is that a stable tag, such as 2026.4-stable?",)


def _one_back(timeline: Timeline, current: PromotionRecord) -> tuple[PromotionRecord | None, Digests]:
    promotion = timeline.promotion(current)
    if promotion is None:
        raise _denied(timeline, f"{timeline.tag} was rolled back to the state before its first recorded promotion.")
    previous = timeline.previous(promotion)
    return timeline.promotion(previous) if previous else None, timeline.before(promotion)


def _chosen(timeline: Timeline, to: str) -> tuple[PromotionRecord | None, Digests]:
    prefix = _hex(to)
    found = [
        entry
        for entry in timeline.entries
        if to == str(entry.record.number) or (len(prefix) >= _MIN_ID and _hex(entry.record.id).startswith(prefix))
    ]
    effective = [entry.record for entry in found if entry.status in {RecordStatus.NOW, RecordStatus.EARLIER}]
    if len(effective) == 1:
        return timeline.promotion(effective[0]), timeline.after(effective[0])
    if effective:
        raise _denied(timeline, f"{to!r} matches {len(effective)} records of {timeline.tag}: give a longer id.")
    if found:
        raise _denied(timeline, f"Record {to} of {timeline.tag} never took effect, or was undone: see its history.")
    known = ", ".join(str(entry.record.number) for entry in timeline.entries)
    raise _denied(timeline, f"{timeline.tag} has no record {to!r}, only {known}: see its history.")


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


async def _plan_updates(registry: Registry, timeline: Timeline, digests: Digests) -> tuple[TagUpdate, ...]:
    """Return an update for each repository where the tag points to an image, or is to."""
    images = {update.repository: update.image for entry in timeline.entries for update in entry.record.moves}

    async def plan(name: str) -> TagUpdate:
        repository, digest = Repository.parse(name), digests[name]
        target = repository.tagged(timeline.tag)
        old = await read_tag(registry, target)
        new = await _fetch(registry, repository, digest) if digest else tombstone_manifest(target)
        return TagUpdate(image=images[name], target=target, new=new, old=old)

    wanted = sorted(name for name in digests if digests[name] or timeline.now.get(name))
    results = await gather_results(plan, wanted)
    problems = [str(result) for result in results if isinstance(result, RegistryError)]
    if problems:
        raise _denied(timeline, *problems)
    return tuple(result for result in results if isinstance(result, TagUpdate))


async def _fetch(registry: Registry, repository: Repository, digest: str) -> Manifest:
    manifest = await registry.get(repository.pinned(digest))
    if manifest is None:
        raise IntegrityError(
            f"Cannot roll back to {repository.pinned(digest)}: it was deleted. Choose another record with --to, or "
            "promote a stack."
        )
    return manifest
