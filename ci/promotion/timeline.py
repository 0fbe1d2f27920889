"""The status of each record of a stable tag, worked out from what the tag points to now and from nothing else. Pure.

A record is written before its update, so not every record took effect. They are read from the newest back: a record
took effect if the tag points to the record's new digests, and did not if it points to the old ones. The next record is
then compared with what the tag pointed to before that one.

An update that was killed between two writes leaves a mixed state: some images at its new digests, others at the old. An
update that was begun on a mixed state records as old what the images pointed to in the last whole state, not the mix.
So whatever was interrupted how often, the newest records have one whole state as their old one, and every image points
to what it did in that, or to what one of these records was to write.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from ci.promotion.records import Digests, GoneRecord, Kind, PromotionRecord


class RecordStatus(StrEnum):
    """What a record means for its tag. The values are shown, and part of the JSON."""

    NOW = "now"
    """In effect: the tag points to its new digests."""
    EARLIER = "earlier"
    """Was in effect until a newer one."""
    UNDONE = "undone"
    """Its update failed or never began, and no image is left at its new digest."""
    INTERRUPTED = "interrupted"
    """Its update is unfinished: it is running, or was interrupted. Some images are at its new digests, others not."""
    MOVED = "moved since"
    """The newest that may have taken effect, but the tag was changed without a record since."""


EFFECTIVE = frozenset({RecordStatus.NOW, RecordStatus.EARLIER})
"""Of records that took effect."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record and its status."""

    record: PromotionRecord
    status: RecordStatus = msgspec.field(name="standing")
    """Its name in JSON is `standing`."""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a tag, the newest first, and what the tag points to now for each of their images, by its place."""

    tag: str
    now: Digests
    entries: tuple[Entry, ...]
    gone: tuple[GoneRecord, ...] = ()
    """Records that are listed, but were deleted."""

    @property
    def current(self) -> PromotionRecord | None:
        """The record in effect, None if the tag points to something that no record describes."""
        return next((entry.record for entry in self.entries if entry.status is RecordStatus.NOW), None)

    @property
    def interrupted(self) -> PromotionRecord | None:
        """The newest record whose update is unfinished, if the tag points to a mix."""
        return next((entry.record for entry in self.entries if entry.status is RecordStatus.INTERRUPTED), None)

    @property
    def whole(self) -> Digests:
        """What the tag pointed to before what is unfinished; empty if nothing is."""
        statuses = [entry.status for entry in self.entries]
        unfinished = len(statuses) - statuses[::-1].index(RecordStatus.INTERRUPTED) if self.interrupted else 0
        state: dict[str, str | None] = {}
        for entry in self.entries[:unfinished]:
            state |= entry.record.old(self.tag)
        return state

    @property
    def last_number(self) -> int:
        """The number of the newest record, 0 without any."""
        numbers = (*(entry.record.number for entry in self.entries), *(one.number or 0 for one in self.gone))
        return max(numbers, default=0)

    @property
    def drifted_tags(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """Where the tag was changed without a record: the text of the place, recorded digest and current digest."""
        newest = next((entry.record for entry in self.entries if entry.status is RecordStatus.MOVED), None)
        recorded = newest.new(self.tag) if newest else {}
        return tuple(
            (place, digest, self.now.get(place)) for place, digest in recorded.items() if self.now.get(place) != digest
        )

    def promotion(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the promotion whose images are stable after a record; None if no record describes it."""
        found: PromotionRecord | None = record
        while found and found.kind is Kind.ROLLBACK:
            number = found.restores
            found = next((one for one in self.effective if one.number == number), None)
        return found

    def previous(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the record that was in effect before a record, None for the first."""
        older = self.entries[self._index(record) + 1 :]
        return next((entry.record for entry in older if entry.status in EFFECTIVE), None)

    def before(self, record: PromotionRecord) -> Digests:
        """Return what the tag pointed to before a record that took effect, or is unfinished."""
        return {**self._state(self._index(record)), **record.old(self.tag)}

    def after(self, record: PromotionRecord) -> Digests:
        """Return what the tag pointed to after a record that took effect, or will when it is finished."""
        return {**self._state(self._index(record)), **record.new(self.tag)}

    def _state(self, newer: int) -> Digests:
        """Return what the tag pointed to before so many of the newest records."""
        state = {**self.now, **self.whole}
        for entry in self.entries[:newer]:
            state |= entry.record.old(self.tag) if entry.status in EFFECTIVE else {}
        return state

    def _index(self, record: PromotionRecord) -> int:
        return [entry.record for entry in self.entries].index(record)

    @property
    def effective(self) -> Sequence[PromotionRecord]:
        """The records that took effect, the newest first."""
        return [entry.record for entry in self.entries if entry.status in EFFECTIVE]


def read_timeline(
    records: Iterable[PromotionRecord], tag: str, now: Digests, gone: Iterable[GoneRecord] = ()
) -> Timeline:
    """Return the timeline of records, which are given oldest first. `gone` are those that were deleted."""
    known, deleted = tuple(records)[::-1], tuple(gone)
    return Timeline(tag=tag, now=now, entries=tuple(_entries(known, tag, now, deleted)), gone=deleted)


def _entries(records: Sequence[PromotionRecord], tag: str, now: Digests, gone: Sequence[GoneRecord]) -> Iterator[Entry]:
    """Yield each record with its status. `records` are the newest first; `state` goes back in time with them."""
    state, rest = dict(now), records
    has_newer = was_whole = False
    while rest:
        record = rest[0]
        new, old = record.new(tag), record.old(tag)
        status = RecordStatus.EARLIER if has_newer else RecordStatus.NOW
        if not matches(new, state):
            # Of two that began from the same state at the same moment, only one took effect.
            lost_race = any(matches(one.new(tag), state) and _is_rival(record, one, tag) for one in rest[1:])
            if matches(old, state) or lost_race:
                yield Entry(record=record, status=RecordStatus.UNDONE)
                rest, was_whole = rest[1:], True
                continue
            unfinished = () if has_newer or was_whole else _unfinished(rest, tag, state, gone)
            if unfinished:
                yield from unfinished
                rest, has_newer = rest[len(unfinished) :], True
                for entry in unfinished:
                    state |= entry.record.old(tag)
                continue
            status = RecordStatus.EARLIER if has_newer else RecordStatus.MOVED
        yield Entry(record=record, status=status)
        rest, has_newer = rest[1:], True
        state |= old


def _is_rival(record: PromotionRecord, older: PromotionRecord, tag: str) -> bool:
    """Return whether two records began from the same state: all of it, or what two of one number have in common."""
    one, other = record.old(tag), older.old(tag)
    return one == other or (record.number == older.number and matches(one, {**one, **other}))


def _unfinished(
    records: Sequence[PromotionRecord], tag: str, state: Digests, gone: Sequence[GoneRecord]
) -> Sequence[Entry]:
    """Return the newest records, as few as possible, whose interrupted updates explain a mixed state; none if not."""
    whole: dict[str, str | None] = {}
    reached: set[tuple[str, str | None]] = set()
    for count, record in enumerate(records, 1):
        old = record.old(tag)
        if any(one.may_be_newer_than(record) for one in gone) or not matches(old, {**old, **whole}):
            return ()
        whole |= old
        reached |= {*old.items(), *record.new(tag).items()}
        if all((place, state.get(place)) in reached for place in whole):
            done = next((one for one in records[:count] if matches({**whole, **one.new(tag)}, state)), None)
            return [Entry(record=one, status=_share(one, done, tag, state)) for one in records[:count]]
    return ()


def _share(record: PromotionRecord, done: PromotionRecord | None, tag: str, state: Digests) -> RecordStatus:
    """Return the status of one of the records that explain a state: whether any of it is in the mix.

    `done` is the one whose images these all are, if there is one: what was begun after it wrote nothing else.
    """
    if done is not None:
        return RecordStatus.NOW if record is done else RecordStatus.UNDONE
    return RecordStatus.INTERRUPTED if updated(record, tag, state) else RecordStatus.UNDONE


def updated(record: PromotionRecord, tag: str, state: Digests) -> Sequence[str]:
    """Return the places of the images whose tag a record changes, and where it points to the record's new digest."""
    old = record.old(tag)
    return [place for place, digest in record.new(tag).items() if state.get(place) == digest != old[place]]


def matches(digests: Digests, state: Digests) -> bool:
    """Return whether a state has these digests."""
    return all(state.get(place) == digest for place, digest in digests.items())
