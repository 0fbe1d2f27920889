import pytest

from ci.contents.budgets import Growth, ImageVerdict, Measure, Stable, Verdict, judge
from ci.contents.described_stack import DescribedStack
from ci.contents.model import Package
from ci.reports.budgets import percent, render_budgets, verdict_word
from ci.stack.budget_config import Budget, Reaction
from tests.unit.contents.samples import NEW, OLD, contents, package, stack

GB, MB = 10**9, 10**6
BUDGET = Budget(
    against="", grow=1000, warn=500, floor=100 * MB, removed=Reaction.WARN, lower=Reaction.WARN, images={"ml": 2500}
)


def of(found: DescribedStack) -> Stable:
    return Stable(tag=OLD, stack=found)


def one(
    old: int, new: int, *found: Package, budget: Budget = BUDGET, name: str = "base", accepted: str = ""
) -> ImageVerdict:
    before = stack(OLD, contents(name, size=old, compressed_size=10 * GB))
    after = stack(NEW, contents(name, *found, size=new, compressed_size=10 * GB))
    (verdict,) = judge(budget, of(before), after, accepted)
    return verdict


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1000 * MB, 1111 * MB, Verdict.OVER),  # +11.1 % and +111 MB
        (918 * MB, 1019 * MB, Verdict.OVER),  # +11 % and +101 MB
        (450 * MB, 500 * MB, Verdict.OK),  # +11 % and +50 MB: below the floor
        (450 * MB, 550 * MB, Verdict.OK),  # +22 % and exactly the floor
        (450 * MB, 550 * MB + 1, Verdict.OVER),
        (2 * GB, 2200 * MB, Verdict.WARNED),  # exactly 10 %
        (2 * GB, 2200 * MB + 1, Verdict.OVER),
        (10 * GB, 10_500 * MB, Verdict.OK),  # exactly 5 %
        (10 * GB, 10_500 * MB + 1, Verdict.WARNED),
        (10 * GB, 9 * GB, Verdict.OK),
        (0, 101 * MB, Verdict.OVER),
    ],
)
def test_percent_and_floor(old: int, new: int, expected: Verdict) -> None:
    assert one(old, new).verdict is expected


def test_an_image_may_have_its_own_limit() -> None:
    assert one(GB, 1240 * MB, name="ml").verdict is Verdict.WARNED
    assert one(GB, 1260 * MB, name="ml").verdict is Verdict.OVER


@pytest.mark.parametrize("measure", list(Measure))
def test_files_and_download_are_both_judged(measure: Measure) -> None:
    field = {Measure.FILES: "size", Measure.DOWNLOAD: "compressed_size"}[measure]
    old, new = stack(OLD, contents("base", **{field: GB})), stack(NEW, contents("base", **{field: 2 * GB}))
    (verdict,) = judge(BUDGET, of(old), new)
    assert verdict.verdict is Verdict.OVER
    assert Growth(measure=measure, old=GB, new=2 * GB, verdict=Verdict.OVER) in verdict.growths


def test_the_download_is_judged_once_it_is_known() -> None:
    before, unknown = contents("base", compressed_size=GB), contents("base", compressed_size=None)
    (not_uploaded,) = judge(BUDGET, of(stack(OLD, before)), stack(NEW, unknown))
    assert (not_uploaded.verdict, [one.measure for one in not_uploaded.growths]) == (Verdict.OK, [Measure.FILES])
    (lost,) = judge(BUDGET, of(stack(OLD, unknown)), stack(NEW, before))
    assert (lost.verdict, lost.problem) == (Verdict.OVER, "How large a download of base was is not known.")


def test_without_a_stable_stack_nothing_is_judged() -> None:
    (verdict,) = judge(BUDGET, Stable(tag=OLD, stack=None), stack(NEW, contents("base")))
    assert (verdict.verdict, verdict.problem) == (Verdict.UNJUDGED, "There is no 2026.4-stable yet.")
    assert verdict.verdict.ok


def test_a_new_image_is_not_judged_and_the_others_are() -> None:
    old = stack(OLD, contents("base", size=GB))
    base, ml = judge(BUDGET, of(old), stack(NEW, contents("base", size=2 * GB), contents("ml")))
    assert base.verdict is Verdict.OVER
    assert (ml.verdict, ml.problem) == (Verdict.UNJUDGED, "2026.4-stable does not have ml.")


@pytest.mark.parametrize("found", [None, stack(OLD, contents("base"))], ids=["nothing read", "half read"])
def test_a_stable_stack_that_cannot_be_read_is_red(found: DescribedStack | None) -> None:
    stable = Stable(tag=OLD, stack=found, problem="registry.test does not answer.")
    (verdict,) = judge(BUDGET, stable, stack(NEW, contents("base")))
    assert verdict.verdict is Verdict.OVER
    assert verdict.problem == "2026.4-stable cannot be read: registry.test does not answer."


def test_an_image_without_a_description_is_red_on_either_side() -> None:
    why = "it was published without a description."
    described, unknown = stack(OLD, contents("base")), stack(OLD, missing={"base": why})
    (verdict,) = judge(BUDGET, of(unknown), described)
    assert (verdict.verdict, verdict.problem) == (
        Verdict.OVER, f"What is in base of 2026.4-stable is not known: {why}",
    )  # fmt: skip
    (verdict,) = judge(BUDGET, of(described), unknown)
    assert (verdict.verdict, verdict.problem) == (Verdict.OVER, f"What is in base is not known: {why}")


def test_growth_is_accepted_with_a_reason() -> None:
    verdict = one(GB, 2 * GB, accepted="the course needs it")
    assert (verdict.verdict, verdict.accepted) == (Verdict.ACCEPTED, "the course needs it")
    assert one(GB, GB, accepted="the course needs it").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [(Reaction.OK, Verdict.OK), (Reaction.WARN, Verdict.WARNED), (Reaction.RED, Verdict.OVER)],
)
def test_removed_and_lower_packages(reaction: Reaction, expected: Verdict) -> None:
    old = stack(OLD, contents("base", package("pip:gone=1"), package("pip:numpy=2.1")))
    lower = stack(NEW, contents("base", package("pip:gone=1"), package("pip:numpy=1.26")))
    removed = stack(NEW, contents("base", package("pip:numpy=2.1")))
    budget = Budget(against="", grow=1000, warn=500, floor=0, removed=reaction, lower=Reaction.OK)
    (verdict,) = judge(budget, of(old), removed)
    assert (verdict.verdict, [change.name for change in verdict.removed]) == (
        expected, [] if reaction is Reaction.OK else ["gone"],
    )  # fmt: skip
    budget = Budget(against="", grow=1000, warn=500, floor=0, removed=Reaction.OK, lower=reaction)
    (verdict,) = judge(budget, of(old), lower)
    assert (verdict.verdict, [change.name for change in verdict.lower]) == (
        expected, [] if reaction is Reaction.OK else ["numpy"],
    )  # fmt: skip


def test_a_package_that_is_gone_from_the_base_is_said_there_only() -> None:
    old = stack(OLD, contents("base", package("pip:x=1")), contents("ds", package("pip:x=1")))
    base, ds = judge(BUDGET, of(old), stack(NEW, contents("base"), contents("ds")))
    assert (base.verdict, ds.verdict) == (Verdict.WARNED, Verdict.OK)


def test_the_text_names_what_grew_most() -> None:
    found = [package(f"pip:p{number}=1", size=number * MB) for number in range(1, 8)]
    planted = package("pip:torch=2.15.0", size=900 * MB)
    verdict = one(GB, 1950 * MB, *found, planted, package("pip:unknown=1"))
    assert render_budgets([verdict]) == [
        "base: OVER BUDGET, against 2026.4-stable",
        "  files: 1.0 GB -> 1.9 GB (+95 %, +950 MB; its budget is 10 %)",
        "  the packages that grew most: pip torch +900 MB (2.15.0, new), "
        + ", ".join(f"pip p{number} +{number} MB (1, new)" for number in (7, 6, 5, 4)),
        'Make it smaller, allow more in [budget] of stack.toml, or accept it once: --accept-growth "why".',
    ]


def test_the_text_of_other_verdicts() -> None:
    assert render_budgets([one(GB, GB)]) == []
    assert render_budgets([one(GB, 2 * GB, accepted="the course needs it")])[-1] == "  accepted: the course needs it"
    assert "  no package grew by its own record" in render_budgets([one(GB, 2 * GB)])
    missing = judge(BUDGET, Stable(tag=OLD, stack=None), stack(NEW, contents("base"), contents("ds")))
    assert render_budgets(missing) == ["No budget was judged: There is no 2026.4-stable yet."]
    assert verdict_word(Verdict.OVER) == "OVER BUDGET"
    gone = [package(f"pip:p{number}=1") for number in range(7)]
    (verdict,) = judge(BUDGET, of(stack(OLD, contents("base", *gone))), stack(NEW, contents("base")))
    assert render_budgets([verdict])[1] == "  removed: pip p0 1, pip p1 1, pip p2 1, pip p3 1, pip p4 1 and 2 more"


@pytest.mark.parametrize(("hundredths", "text"), [(1000, "10 %"), (1250, "12.5 %"), (7, "0.07 %"), (0, "0 %")])
def test_percentages_are_written_without_rounding(hundredths: int, text: str) -> None:
    assert percent(hundredths) == text
