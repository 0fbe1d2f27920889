"""The page of what changed in a stable tag: each promotion and rollback, the newest first."""

from collections.abc import Iterator

from ci.promotion.explain import describe, explain_history
from ci.promotion.records import Kind, PromotionRecord
from ci.promotion.timeline import Entry, RecordStatus
from ci.reports.difference import difference_lines
from ci.reports.markdown import code
from ci.reports.promotion import gate_sentences
from ci.wiki.dates import minute
from ci.wiki.model import COMMIT_SHOWN, StableStack
from ci.wiki.names import HOME, PACKAGES, PageIndex

_SENTENCE = 2000
_STATUS = {
    RecordStatus.NOW: "This is stable now.",
    RecordStatus.EARLIER: "",
    RecordStatus.UNDONE: "It never took effect, or was undone.",
    RecordStatus.INTERRUPTED: "It is unfinished: still running, or interrupted.",
    RecordStatus.MOVED: "The tag was changed since, without a record.",
}


def changes_page(stable: StableStack, index: PageIndex) -> Iterator[str]:
    """Yield the lines of the page."""
    timeline = stable.timeline
    yield f"What {code(stable.tag)} pointed to, the newest first: each promotion and rollback with what it changed."
    yield ""
    yield " · ".join([index.link("All stacks", HOME), index.link("Which image has which package", PACKAGES)])
    for sentence in explain_history(timeline):
        yield from ("", f"**{code(sentence, _SENTENCE)}**")
    if not timeline.entries:
        yield from ("", "There is no promotion record.")
    for entry in timeline.entries:
        yield from ("", f"## {minute(entry.record.at)}: {code(describe(entry.record))}", "")
        yield from _entry(stable, entry)


def _entry(stable: StableStack, entry: Entry) -> Iterator[str]:
    record, status = entry.record, entry.status
    sentences = [_STATUS[status], *(code(sentence, _SENTENCE) for sentence in gate_sentences(record))]
    if record.kind is Kind.PROMOTION and record.commit:
        sentences.append(f"Commit {code(record.commit[:COMMIT_SHOWN])}.")
    yield " ".join(sentence for sentence in (f"Record {record.number}.", *sentences) if sentence)
    if status is RecordStatus.UNDONE:
        return
    yield ""
    difference = stable.differences.get(record.id)
    if difference is not None:
        yield from difference_lines(difference)
    elif is_first(stable, record):
        yield "The first of this version: there is nothing to compare it with."
    else:
        yield "What it changed is not known: the images before or after it have no description."


def is_first(stable: StableStack, record: PromotionRecord) -> bool:
    """Return whether the tag pointed to nothing before a record."""
    return not any(record.old(stable.tag).values())
