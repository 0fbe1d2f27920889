"""Promotions as text or Markdown: which tags move from which digest to which, the GPU gate's approval, the history."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from ci import units
from ci.promotion.explain import describe, explain_history
from ci.promotion.records import Kind, PromotionRecord, RecordedUpdate
from ci.promotion.timeline import Entry, RecordStatus, Timeline
from ci.reports.markdown import bounded, code
from ci.reports.markdown import table as markdown_table

_SHOWN = len("sha256:") + 12
_SENTENCE = 2000
_CHANGED = ("image", "tag", "from", "to", "compressed size")
_HISTORY = ("record", "at", "what", "status", "id")


def render_promotion_plan(
    record: PromotionRecord,
    changes: Sequence[RecordedUpdate],
    sizes: Mapping[str, int],
    *,
    written: bool,
    notes: Sequence[str] = (),
) -> str:
    """Return the table of a promotion or rollback. `sizes` are the bytes of compressed layers by digest, where known.

    `changes` are from what the tags point to, which after an interrupted update is not what the record says. `written`
    is whether the tags were written, or would be.
    """
    rows = [(move.image, move.tag, _digest(move.old), _digest(move.new), _growth(move, sizes)) for move in changes]
    table = tabulate(rows, _CHANGED, disable_numparse=True)
    gate = gate_sentences(record) if _moving(changes) else ()
    title = _title(record, changes, written=written)
    return "\n".join([title, "", table, "", *gate, *notes, _ending(changes, written=written)])


def render_promotion_summary(
    record: PromotionRecord,
    changes: Sequence[RecordedUpdate],
    sizes: Mapping[str, int],
    *,
    written: bool,
    notes: Sequence[str] = (),
) -> str:
    """Return the same as `render_promotion_plan` in Markdown for GitHub, what was done first."""
    rows = [
        (code(move.image), code(move.tag), code(_digest(move.old)), code(_digest(move.new)), _growth(move, sizes))
        for move in changes
    ]
    gate = gate_sentences(record) if _moving(changes) else ()
    lines = [
        f"## {code(_title(record, changes, written=written))}\n",
        f"{_ending(changes, written=written)}\n",
        *markdown_table(_CHANGED, rows),
        *(f"\n{code(sentence, _SENTENCE)}" for sentence in (*gate, *notes)),
    ]
    return bounded(lines)


def render_history_summary(timeline: Timeline) -> str:
    """Return the same as `render_history` in Markdown for GitHub."""
    rows = [tuple(code(cell) for cell in row) for row in _history(timeline)]
    lines = [
        f"## {code(timeline.tag)}\n",
        *(markdown_table(_HISTORY, rows) if rows else ["No promotion records."]),
        *(f"\n{code(sentence, _SENTENCE)}" for sentence in (*_accepted(timeline), *explain_history(timeline))),
    ]
    return bounded(lines)


def render_history(timeline: Timeline) -> str:
    """Return the table of the promotions and rollbacks of a stable tag, the newest first."""
    notes = explain_history(timeline)
    entries = timeline.entries
    if not entries:
        return "\n".join([f"No promotion records for {timeline.tag}.", *notes])
    table = tabulate(_history(timeline), _HISTORY, disable_numparse=True)
    below = [*_accepted(timeline), *notes]
    return "\n".join([f"{timeline.tag}\n", table, *([""] if below else []), *below])


def _history(timeline: Timeline) -> Sequence[tuple[str, ...]]:
    return [
        (str(entry.record.number), entry.record.at, describe(entry.record), _status(entry), _digest(entry.record.id))
        for entry in timeline.entries
    ]


def _accepted(timeline: Timeline) -> Sequence[str]:
    return [
        f"Record {entry.record.number} was promoted without a passed GPU verdict: {entry.record.proof.override_reason}"
        for entry in timeline.entries
        if entry.record.proof and entry.record.proof.override_reason
    ]


def _moving(changes: Sequence[RecordedUpdate]) -> int:
    return sum(move.old != move.new for move in changes)


def _title(record: PromotionRecord, changes: Sequence[RecordedUpdate], *, written: bool) -> str:
    recorded = f" (record {record.number} of {record.at})" if written and _moving(changes) else ""
    return f"{describe(record)}: {', '.join(record.tags)}{recorded}"


def _status(entry: Entry) -> str:
    return "" if entry.status is RecordStatus.EARLIER else entry.status


def gate_sentences(record: PromotionRecord) -> Sequence[str]:
    """Return on what approval of the GPU gate a promotion was made; nothing for a rollback."""
    if record.kind is not Kind.PROMOTION:
        return ()
    proof = record.proof
    if proof is None:
        return ("GPU gate: not checked. A promotion needs a passed verdict, or --accept-without-gpu and a reason.",)
    if proof.override_reason:
        newest = f" (latest verdict: {proof.outcome}, {proof.tried})" if proof.outcome else ""
        return (f"GPU gate: PROMOTED WITHOUT A PASSED VERDICT{newest}: {proof.override_reason}",)
    return (f"GPU gate: {proof.outcome} at {proof.tried}, {proof.image} {_digest(proof.digest)}",)


def _ending(changes: Sequence[RecordedUpdate], *, written: bool) -> str:
    if not _moving(changes):
        return "All tags already point to these images; no tag was written."
    tags = f"{_moving(changes)} of {len(changes)} tags"
    return f"{tags} moved, all verified." if written else f"{tags} would move; nothing was written."


def _digest(digest: str | None) -> str:
    return digest[:_SHOWN] if digest else "nothing"


def _growth(move: RecordedUpdate, sizes: Mapping[str, int]) -> str:
    if move.old == move.new:
        return "the same image"
    old, new = sizes.get(move.old or ""), sizes.get(move.new or "")
    if old is None or new is None:
        return units.size(new)
    return f"{units.size(new)} ({units.size_change(new - old) or '+0 B'})"
