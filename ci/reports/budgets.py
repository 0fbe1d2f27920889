"""The verdicts of budgets as text: which images grew too much, and what grew in them."""

from collections.abc import Iterable, Iterator, Sequence

from ci import units
from ci.contents.budgets import Growth, ImageVerdict, Verdict
from ci.contents.difference import PackageChange

_SHOWN = 5
_ABOVE = "as described under What failed"
_WAYS_OUT = 'Make it smaller, allow more in [budget] of stack.toml, or accept it once: --accept-growth "why".'
_WORDS = {
    Verdict.OK: "ok",
    Verdict.WARNED: "warned",
    Verdict.OVER: "OVER BUDGET",
    Verdict.ACCEPTED: "accepted",
    Verdict.UNJUDGED: "not judged",
}


def verdict_word(verdict: Verdict) -> str:
    """Return the word for a table."""
    return _WORDS[verdict]


def render_budgets(verdicts: Sequence[ImageVerdict]) -> Sequence[str]:
    """Return the lines below the table of a run: a block for each image that is not simply within its budget."""
    lines: list[str] = []
    for one in notable(verdicts):
        lines.append(f"{one.image}: {verdict_word(one.verdict)}, against {one.against}")
        lines.extend(f"  {sentence}" for sentence in budget_sentences(one))
    if any(not one.verdict.ok for one in verdicts):
        lines.append(_WAYS_OUT)
    return [*lines, *unjudged(verdicts)]


def notable(verdicts: Iterable[ImageVerdict]) -> Sequence[ImageVerdict]:
    """Return the verdicts on images that were judged and are not simply within their budget."""
    return [one for one in verdicts if one.verdict is not Verdict.UNJUDGED and budget_sentences(one)]


def budget_rows(verdicts: Iterable[ImageVerdict]) -> Sequence[tuple[ImageVerdict, Sequence[str]]]:
    """Return the rows of a table of budgets. What is over its budget is among the failures, and described there."""
    return [(one, budget_sentences(one) if one.verdict.ok else [_ABOVE]) for one in notable(verdicts)]


def unjudged(verdicts: Iterable[ImageVerdict]) -> Sequence[str]:
    """Return, each once, why images were not judged."""
    problems = dict.fromkeys(one.problem for one in verdicts if one.verdict is Verdict.UNJUDGED)
    return [f"No budget was judged: {sentence}" for sentence in problems]


def over_budget_message(verdict: ImageVerdict) -> str:
    """Return why an image is over its budget, and what can be done, as lines."""
    return "\n".join([f"Against {verdict.against}:", *budget_sentences(verdict), _WAYS_OUT])


def budget_sentences(one: ImageVerdict) -> Sequence[str]:
    """Return what is wrong with an image, or was accepted: how much it grew, and which packages did."""
    return list(_sentences(one))


def _sentences(one: ImageVerdict) -> Iterator[str]:
    if one.problem:
        yield one.problem
    yield from (_grew(growth, one.allowed) for growth in one.growths if growth.verdict is not Verdict.OK)
    if any(growth.verdict is not Verdict.OK for growth in one.growths):
        listed = ", ".join(_grown(change) for change in one.grown)
        yield f"the packages that grew most: {listed}" if listed else "no package grew by its own record"
    for changes, what in ((one.removed, "removed"), (one.lower, "lower")):
        if changes:
            yield f"{what}: {_listed(changes)}"
    if one.accepted:
        yield f"accepted: {one.accepted}"


def _grew(growth: Growth, allowed: int) -> str:
    share = f"{percent((growth.new - growth.old) * 10_000 // growth.old)}, " if growth.old else ""
    return (
        f"{growth.measure}: {units.size(growth.old)} -> {units.size(growth.new)} "
        f"(+{share}+{units.size(growth.new - growth.old)}; its budget is {percent(allowed)})"
    )


def percent(hundredths: int) -> str:
    """Return hundredths of a percent as text, cut after two decimals: `12.5 %`."""
    whole, parts = divmod(hundredths, 100)
    return f"{whole}.{parts:02d}".rstrip("0").rstrip(".") + " %"


def _grown(change: PackageChange) -> str:
    versions = f"{change.old} -> {change.new}" if change.old else f"{change.new}, new"
    return f"{change.ecosystem} {change.name} +{units.size(change.size_change)} ({versions})"


def _listed(changes: Sequence[PackageChange]) -> str:
    shown = [
        f"{one.ecosystem} {one.name} {one.old}" + (f" -> {one.new}" if one.new else "") for one in changes[:_SHOWN]
    ]
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return f"{', '.join(shown)}{more}"
