"""Verdicts on budgets for tests of what is rendered."""

from ci.contents.budgets import Growth, ImageVerdict, Measure, Verdict
from ci.contents.difference import Change, PackageChange
from ci.contents.model import Ecosystem

STABLE = "2026.4-stable"


def grown(name: str, size: int, change: Change = Change.ADDED, old: str | None = None) -> PackageChange:
    """Return a package of pip that made an image larger."""
    return PackageChange(
        ecosystem=Ecosystem.PIP,
        name=name,
        location="/opt/venv",
        change=change,
        old=old,
        new="2.15.0",
        size_change=size,
        brought_by="base-notebook",
    )


def verdict(image: str, kind: Verdict, old: int = 10**9, new: int = 12 * 10**8, **fields: object) -> ImageVerdict:
    """Return a verdict on an image whose files grew."""
    judged = Verdict.OVER if kind is Verdict.ACCEPTED else kind
    plain: dict[str, object] = {
        "growths": (Growth(measure=Measure.FILES, old=old, new=new, verdict=judged),),
        "grown": (grown("torch", 180_000_000),),
    }
    return ImageVerdict(image=image, verdict=kind, against=STABLE, allowed=1000, **(plain | fields))  # type: ignore[arg-type]  # a row of a test's table


def unjudged(image: str) -> ImageVerdict:
    """Return the verdict where nothing is stable yet."""
    problem = f"There is no {STABLE} yet."
    return ImageVerdict(image=image, verdict=Verdict.UNJUDGED, against=STABLE, allowed=1000, problem=problem)


OVER = verdict("base-notebook", Verdict.OVER)
WARNED = verdict("datascience", Verdict.WARNED, grown=(grown("pandas", 60_000_000, Change.UP, "2.3"),))
ACCEPTED = verdict("datascience", Verdict.ACCEPTED, accepted="the course needs torch")
