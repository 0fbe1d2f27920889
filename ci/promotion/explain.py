"""What a person must know of a timeline before a tag is changed, as sentences. Pure."""

from ci.promotion.records import Kind, PromotionRecord
from ci.promotion.timeline import RecordStatus, Timeline, updated


def describe(record: PromotionRecord) -> str:
    """Return what a record was to do: `promotion of 2026.4-a1239ab`."""
    if record.kind is Kind.PROMOTION:
        return f"promotion of {record.source}"
    if record.restores:
        return f"rollback to {record.source} (record {record.restores})"
    if any(update.new for update in record.moves):
        return "rollback to a state without a record"
    return "rollback to the state before the first promotion"


def explain_history(timeline: Timeline) -> tuple[str, ...]:
    """Return what the table of a timeline does not show: what is unfinished, and which records are gone."""
    record = timeline.interrupted
    if record is None:
        return explain_gone(timeline)
    finish = " ".join([f"tag --tag {record.source}", *(f"--also {tag}" for tag in record.tags[1:])])
    undo = f"rollback --tag {timeline.tag}"
    advice = f"run `{finish}` to finish it, or `{undo}` to undo it"
    if record.kind is Kind.ROLLBACK:
        advice = f"run `{undo}` to finish it, or `tag` with the stack that is to be {timeline.tag}"
    others = ", ".join(tag for tag in record.tags if tag != timeline.tag)
    return (
        f"{explain_unfinished(timeline, record)} It is still running, or was interrupted: {advice}."
        + (f" It updates {others} too: see the history of each." if others else ""),
        *explain_gone(timeline),
    )


def explain_unfinished(timeline: Timeline, record: PromotionRecord) -> str:
    """Return how far the update of an unfinished record came."""
    old = record.old(timeline.tag)
    changed = sum(old[place] != digest for place, digest in record.new(timeline.tag).items())
    done = len(updated(record, timeline.tag, timeline.now))
    return (
        f"Record {record.number} ({describe(record)}) is unfinished: {done} of {changed} tags {_were(done)} updated, "
        f"so {timeline.tag} is not one whole stack."
    )


def explain_skipped(timeline: Timeline) -> tuple[str, ...]:
    """Return which of the newest records are not undone by a rollback, because they never took effect."""
    newest = next((index for index, one in enumerate(timeline.entries) if one.status is not RecordStatus.UNDONE), 0)
    return tuple(
        f"Record {entry.record.number} ({describe(entry.record)}) never took effect, or was undone."
        for entry in timeline.entries[:newest]
    )


def explain_gone(timeline: Timeline) -> tuple[str, ...]:
    """Return which records are gone, if any."""
    if not timeline.gone:
        return ()
    names = ", ".join(f"{one.description or one.id} ({one.at})" for one in timeline.gone)
    count = len(timeline.gone)
    subject = f"{count} promotion records are" if count > 1 else "1 promotion record is"
    found = f"{subject} gone from the registry, probably deleted by a clean-up of untagged manifests: {names}."
    return (f"{found} What {timeline.tag} pointed to is worked out from the tags and the other records.",)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
