"""The status of each record of a stable tag, worked out from what the tag points to now and from nothing else. Pure.

A record is written before its update, so not every record took effect. They are read from the newest back: a record
took effect if the tag points to the record's new digests, and did not if it points to the old ones. The next record is
then compared with what the tag pointed to before that one.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from ci.promotion.records import Digests, Kind, PromotionRecord


class RecordStatus(StrEnum):
    """What a record means for its tag. The values are shown, and part of the JSON."""

    NOW = "now"
    """In effect: the tag points to its new digests."""
    EARLIER = "earlier"
    """Was in effect until a newer one."""
    UNDONE = "undone"
    """Its update failed and was rolled back, at once or later by hand."""
    MOVED = "moved since"
    """The newest that may have taken effect, but the tag was changed without a record since."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record and its status."""

    record: PromotionRecord
    status: RecordStatus = msgspec.field(name="standing")
    """Its name in JSON is `standing`."""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a tag, the newest first, and what the tag points to now in each of their repositories."""

    tag: str
    now: Digests
    entries: tuple[Entry, ...]

    @property
    def current(self) -> PromotionRecord | None:
        """The record in effect, None if the tag points to something that no record describes."""
        return next((entry.record for entry in self.entries if entry.status is RecordStatus.NOW), None)

    @property
    def drifted_tags(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """Where the tag was changed without a record: repository, recorded digest and current digest."""
        newest = next((entry.record for entry in self.entries if entry.status is RecordStatus.MOVED), None)
        recorded = newest.new(self.tag) if newest else {}
        return tuple(
            (repository, digest, self.now.get(repository))
            for repository, digest in recorded.items()
            if self.now.get(repository) != digest
        )

    def promotion(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the promotion whose images are stable after a record; None for the state before the first."""
        found: PromotionRecord | None = record
        while found and found.kind is Kind.ROLLBACK:
            number = found.restores
            found = next((one for one in self._effective if one.number == number), None)
        return found

    def previous(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the record that was in effect before a record, None for the first."""
        older = self._effective[self._effective.index(record) + 1 :]
        return older[0] if older else None

    def before(self, record: PromotionRecord) -> Digests:
        """Return what the tag pointed to before a record that took effect."""
        state = dict(self.now)
        for newer_or_same in self._effective[: self._effective.index(record) + 1]:
            state |= newer_or_same.old(self.tag)
        return state

    def after(self, record: PromotionRecord) -> Digests:
        """Return what the tag pointed to after a record that took effect."""
        state = dict(self.now)
        for newer in self._effective[: self._effective.index(record)]:
            state |= newer.old(self.tag)
        return state | dict(record.new(self.tag))

    @property
    def _effective(self) -> Sequence[PromotionRecord]:
        return [entry.record for entry in self.entries if entry.status in {RecordStatus.NOW, RecordStatus.EARLIER}]


def read_timeline(records: Iterable[PromotionRecord], tag: str, now: Digests) -> Timeline:
    """Return the timeline of records, which are given oldest first."""
    return Timeline(tag=tag, now=now, entries=tuple(_entries(tuple(records)[::-1], tag, now)))


def _entries(records: Sequence[PromotionRecord], tag: str, now: Digests) -> Iterator[Entry]:
    """Yield each record with its status. `records` are the newest first; `state` goes back in time with them."""
    state = dict(now)
    has_newer = False
    for index, record in enumerate(records):
        new, old = record.new(tag), record.old(tag)
        # Of two that began from the same state at the same moment, only one took effect.
        lost_race = any(_matches(one.new(tag), state) and one.old(tag) == old for one in records[index + 1 :])
        if not _matches(new, state) and (_matches(old, state) or lost_race):
            yield Entry(record=record, status=RecordStatus.UNDONE)
            continue
        newest = RecordStatus.NOW if _matches(new, state) else RecordStatus.MOVED
        yield Entry(record=record, status=RecordStatus.EARLIER if has_newer else newest)
        has_newer = True
        state |= old


def _matches(digests: Digests, state: Digests) -> bool:
    return all(state.get(repository) == digest for repository, digest in digests.items())
