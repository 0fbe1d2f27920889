"""The verdicts of budgets as text: which images grew too much, and what grew in them."""

from collections.abc import Iterator, Sequence

from ci import units
from ci.contents.budgets import Growth, ImageVerdict, Verdict
from ci.contents.difference import PackageChange

_SHOWN = 5
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
    for one in verdicts:
        if one.verdict is Verdict.UNJUDGED:
            continue
        found = list(_findings(one))
        if found:
            lines.append(f"{one.image}: {verdict_word(one.verdict)}, against {one.against}")
            lines.extend(f"  {sentence}" for sentence in found)
    unjudged = dict.fromkeys(one.problem for one in verdicts if one.verdict is Verdict.UNJUDGED)
    lines.extend(f"No budget was judged: {sentence}" for sentence in unjudged)
    return lines


def _findings(one: ImageVerdict) -> Iterator[str]:
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
