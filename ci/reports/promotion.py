"""Promotions as text: which tags move from which digest to which, the GPU gate's approval, and the history."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from ci import units
from ci.promotion.explain import describe, explain_history
from ci.promotion.records import Kind, PromotionRecord, RecordedUpdate
from ci.promotion.timeline import Entry, RecordStatus, Timeline

_SHOWN = len("sha256:") + 12


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
    table = tabulate(rows, ["image", "tag", "from", "to", "compressed size"], disable_numparse=True)
    moving = [move for move in changes if move.old != move.new]
    title = f"{describe(record)}: {', '.join(record.tags)}"
    if moving and written:
        title += f" (record {record.number} of {record.at})"
    gate = _gate(record) if moving else ()
    return "\n".join([title, "", table, "", *gate, *notes, _ending(changes, len(moving), written)])


def render_history(timeline: Timeline) -> str:
    """Return the table of the promotions and rollbacks of a stable tag, the newest first."""
    notes = explain_history(timeline)
    entries = timeline.entries
    if not entries:
        return "\n".join([f"No promotion records for {timeline.tag}.", *notes])
    rows = [
        (str(entry.record.number), entry.record.at, describe(entry.record), _status(entry), _digest(entry.record.id))
        for entry in entries
    ]
    table = tabulate(rows, ["record", "at", "what", "status", "id"], disable_numparse=True)
    accepted = [
        f"Record {entry.record.number} was promoted without a passed GPU verdict: {entry.record.proof.override_reason}"
        for entry in entries
        if entry.record.proof and entry.record.proof.override_reason
    ]
    below = [*accepted, *notes]
    return "\n".join([f"{timeline.tag}\n", table, *([""] if below else []), *below])


def _status(entry: Entry) -> str:
    return "" if entry.status is RecordStatus.EARLIER else entry.status


def _gate(record: PromotionRecord) -> Sequence[str]:
    if record.kind is not Kind.PROMOTION:
        return ()
    proof = record.proof
    if proof is None:
        return ("GPU gate: not checked. A promotion needs a passed verdict, or --accept-without-gpu and a reason.",)
    if proof.override_reason:
        newest = f" (latest verdict: {proof.outcome}, {proof.tried})" if proof.outcome else ""
        return (f"GPU gate: PROMOTED WITHOUT A PASSED VERDICT{newest}: {proof.override_reason}",)
    return (f"GPU gate: {proof.outcome} at {proof.tried}, {proof.image} {_digest(proof.digest)}",)


def _ending(changes: Sequence[RecordedUpdate], moving: int, written: bool) -> str:  # noqa: FBT001 (as above)
    if not moving:
        return "All tags already point to these images; no tag was written."
    tags = f"{moving} of {len(changes)} tags"
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
