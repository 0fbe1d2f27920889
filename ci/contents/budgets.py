"""Whether the images of a stack grew more than their budget allows, against what is stable.

Whatever cannot be compared is over its budget: a gate that lets pass what it could not read is none. Only what stable
does not have is not judged.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from ci.contents.comparing import compare_stacks
from ci.contents.described_stack import DescribedStack
from ci.contents.difference import Change, ImageDifference, PackageChange
from ci.stack.budget_config import Budget, Reaction

MOST_GROWN = 5
"""How many packages are named of an image that grew."""
_WHOLE = 100 * 100
"""A hundred percent, in hundredths of a percent."""


class Verdict(StrEnum):
    """The verdict on one image. ACCEPTED: it is over its budget, and a person gave a reason to let it pass."""

    OK = "ok"
    WARNED = "warned"
    OVER = "over budget"
    ACCEPTED = "accepted"
    UNJUDGED = "not judged"

    @property
    def ok(self) -> bool:
        """Whether a stack with such an image may be published."""
        return self is not Verdict.OVER


class Measure(StrEnum):
    """What is measured: the sizes of all files, or of the compressed layers. Each alone misses cases."""

    FILES = "files"
    DOWNLOAD = "download"


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How one measure of an image changed; bytes. `verdict` is OK, WARNED or OVER."""

    measure: Measure
    old: int
    new: int
    verdict: Verdict


class ImageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one image, and what it is based on."""

    image: str
    verdict: Verdict
    against: str
    """The tag that it was compared with."""
    allowed: int
    """How much it may grow, in hundredths of a percent."""
    growths: tuple[Growth, ...] = ()
    grown: tuple[PackageChange, ...] = ()
    """The packages that grew most, if it is over its budget or has a warning because of its size."""
    removed: tuple[PackageChange, ...] = ()
    """The packages that this image had and lost, unless that is allowed."""
    lower: tuple[PackageChange, ...] = ()
    """The packages that have a lower version because of this image, unless that is allowed."""
    problem: str = ""
    """A sentence: why it could not be compared."""
    accepted: str = ""
    """The reason for which it may pass all the same."""


class Stable(msgspec.Struct, frozen=True, kw_only=True):
    """What images are compared with. `stack` is None if there is no such tag yet; `problem` says why it is unread."""

    tag: str
    stack: DescribedStack | None
    problem: str = ""


def judge(budget: Budget, stable: Stable, new: DescribedStack, accepted: str = "") -> tuple[ImageVerdict, ...]:
    """Return the verdict on each image of `new`, parents first. `accepted` is the reason given to let growth pass."""
    differences: dict[str, ImageDifference] = {}
    if stable.stack is not None and not stable.problem:
        compared = compare_stacks(stable.stack, new, inherited=True)
        differences = {one.image: one for one in compared.images}
    verdicts = [_judge(name, budget, stable, new, differences.get(name)) for name in new.names]
    return tuple(_accept(verdict, accepted) for verdict in verdicts)


def _accept(verdict: ImageVerdict, reason: str) -> ImageVerdict:
    if verdict.verdict.ok or not reason:
        return verdict
    return msgspec.structs.replace(verdict, verdict=Verdict.ACCEPTED, accepted=reason)


def _judge(
    name: str, budget: Budget, stable: Stable, new: DescribedStack, difference: ImageDifference | None
) -> ImageVerdict:
    plain = ImageVerdict(image=name, verdict=Verdict.OVER, against=stable.tag, allowed=budget.grow_of(name))
    problem = _problem(name, stable, new)
    if problem:
        return msgspec.structs.replace(plain, problem=problem)
    absent = _absence(name, stable)
    if absent or difference is None:
        return msgspec.structs.replace(plain, verdict=Verdict.UNJUDGED, problem=absent)
    return _judge_difference(plain, budget, difference)


def _problem(name: str, stable: Stable, new: DescribedStack) -> str:
    """Return why an image cannot be compared although it should be."""
    if stable.problem:
        return f"{stable.tag} cannot be read: {stable.problem}"
    if name in new.missing:
        return f"What is in {name} is not known: {new.missing[name]}"
    if stable.stack is not None and name in stable.stack.missing:
        return f"What is in {name} of {stable.tag} is not known: {stable.stack.missing[name]}"
    return ""


def _absence(name: str, stable: Stable) -> str:
    if stable.stack is None:
        return f"There is no {stable.tag} yet."
    return "" if name in stable.stack.images else f"{stable.tag} does not have {name}."


def _judge_difference(plain: ImageVerdict, budget: Budget, difference: ImageDifference) -> ImageVerdict:
    growths, problem = _growths(plain.allowed, budget, difference)
    own = [change for change in difference.packages if change.brought_by == difference.image]
    removed = _found(own, Change.REMOVED, budget.removed)
    lower = _found(own, Change.DOWN, budget.lower)
    verdicts = {
        *(growth.verdict for growth in growths),
        *([_of(budget.removed)] if removed else []),
        *([_of(budget.lower)] if lower else []),
        *([Verdict.OVER] if problem else []),
    }
    grew = any(growth.verdict is not Verdict.OK for growth in growths)
    return msgspec.structs.replace(
        plain,
        verdict=next((one for one in (Verdict.OVER, Verdict.WARNED) if one in verdicts), Verdict.OK),
        growths=growths,
        grown=most_grown(difference.packages) if grew else (),
        removed=removed,
        lower=lower,
        problem=problem,
    )


def _growths(allowed: int, budget: Budget, difference: ImageDifference) -> tuple[tuple[Growth, ...], str]:
    """Return the growth of both measures, and why the download could not be compared."""
    old, new = difference.old, difference.new
    if old is None or new is None:
        return (), ""
    growths = [_growth(Measure.FILES, old.size, new.size, allowed, budget)]
    if new.compressed_size is None:
        # It is known only of what was uploaded, after which the same is judged again.
        return tuple(growths), ""
    if old.compressed_size is None:
        return tuple(growths), f"How large a download of {difference.image} was is not known."
    growths.append(_growth(Measure.DOWNLOAD, old.compressed_size, new.compressed_size, allowed, budget))
    return tuple(growths), ""


def _growth(measure: Measure, old: int, new: int, allowed: int, budget: Budget) -> Growth:
    verdict = Verdict.OK
    if new - old > budget.floor:
        limits = ((allowed, Verdict.OVER), (budget.warn, Verdict.WARNED))
        verdict = next((one for limit, one in limits if new * _WHOLE > old * (_WHOLE + limit)), Verdict.OK)
    return Growth(measure=measure, old=old, new=new, verdict=verdict)


def _found(changes: Iterable[PackageChange], kind: Change, reaction: Reaction) -> tuple[PackageChange, ...]:
    return () if reaction is Reaction.OK else tuple(change for change in changes if change.change is kind)


def _of(reaction: Reaction) -> Verdict:
    return {Reaction.OK: Verdict.OK, Reaction.WARN: Verdict.WARNED, Reaction.RED: Verdict.OVER}[reaction]


def most_grown(changes: Sequence[PackageChange]) -> tuple[PackageChange, ...]:
    """Return the packages that grew most by their own records, the largest first; those that are new included."""
    grown = [change for change in changes if (change.size_change or 0) > 0]
    return tuple(sorted(grown, key=lambda change: (-(change.size_change or 0), change.name))[:MOST_GROWN])
