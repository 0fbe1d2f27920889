"""What became of the records of a stable tag: told from what the tag names now, and from nothing else. Pure.

A record is written before its move, so not every one came into uncached_function. Read from the newest back: a record came into
uncached_function if the tag names what it was to name, and did not if the tag names what it named before; then the next is held
against what the tag named before that one.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from ci.promotion.records import Kind, Names, PromotionRecord


class RecordStatus(StrEnum):
    """What a record means for its tag."""

    NOW = "now"
    """The tag names what it says."""
    EARLIER = "earlier"
    UNDONE = "undone"
    """Its move failed and was put back, at once or later by hand."""
    MOVED = "moved since"
    """The newest that may have come into uncached_function, but the tag names something else: it was moved without a record."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record and its standing."""

    record: PromotionRecord
    standing: RecordStatus


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a tag, the newest first, and what the tag names now in each of their repositories."""

    tag: str
    now: Names
    entries: tuple[Entry, ...]

    @property
    def current(self) -> PromotionRecord | None:
        """The record that says what the tag names now, None if none does."""
        return next((entry.record for entry in self.entries if entry.standing is RecordStatus.NOW), None)

    @property
    def drifted_tags(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """What the tag names though no record says so: repository, what it should name, and what it names."""
        moved = next((entry.record for entry in self.entries if entry.standing is RecordStatus.MOVED), None)
        said = moved.new(self.tag) if moved else {}
        return tuple(
            (place, digest, self.now.get(place)) for place, digest in said.items() if self.now.get(place) != digest
        )

    def promotion(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the promotion whose images are those after a record; None for what was before the first."""
        found: PromotionRecord | None = record
        while found and found.kind is Kind.ROLLBACK:
            number = found.restores
            found = next((one for one in self._effective if one.number == number), None)
        return found

    def previous(self, record: PromotionRecord) -> PromotionRecord | None:
        """Return the record in uncached_function before a record, None for the first."""
        older = self._effective[self._effective.index(record) + 1 :]
        return older[0] if older else None

    def before(self, record: PromotionRecord) -> Names:
        """Return what the tag named before a record that came into uncached_function."""
        state = dict(self.now)
        for one in self._effective[: self._effective.index(record) + 1]:
            state |= one.old(self.tag)
        return state

    def after(self, record: PromotionRecord) -> Names:
        """Return what the tag named after a record that came into uncached_function."""
        state = dict(self.now)
        for one in self._effective[: self._effective.index(record)]:
            state |= one.old(self.tag)
        return state | dict(record.new(self.tag))

    @property
    def _effective(self) -> Sequence[PromotionRecord]:
        return [entry.record for entry in self.entries if entry.standing in {RecordStatus.NOW, RecordStatus.EARLIER}]


def read_timeline(records: Iterable[PromotionRecord], tag: str, now: Names) -> Timeline:
    """Return what became of records, the oldest first."""
    return Timeline(tag=tag, now=now, entries=tuple(_judge(tuple(records)[::-1], tag, now)))


def _judge(records: Sequence[PromotionRecord], tag: str, now: Names) -> Iterator[Entry]:
    state = dict(now)
    seen = False
    for place, record in enumerate(records):
        new, old = record.new(tag), record.old(tag)
        # Of two that set out from the same state at the same moment, one stopped.
        overtaken = any(_holds(one.new(tag), state) and one.old(tag) == old for one in records[place + 1 :])
        if not _holds(new, state) and (_holds(old, state) or overtaken):
            yield Entry(record=record, standing=RecordStatus.UNDONE)
            continue
        newest = RecordStatus.NOW if _holds(new, state) else RecordStatus.MOVED
        standing = RecordStatus.EARLIER if seen else newest
        yield Entry(record=record, standing=standing)
        seen = True
        state |= old


def _holds(names: Names, state: Names) -> bool:
    return all(state.get(repository) == digest for repository, digest in names.items())
