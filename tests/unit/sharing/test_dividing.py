"""A plan is divided so that each round can run at once, and never when that would be slower."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.sharing.dividing import divide
from ci.sharing.model import Costs, Division, Share, Weight
from tests.unit.sharing.plans import chain, even, image, star, weighted

HEAVY = Weight(build=600, test=600, upload=60, size=10**8)
INSTANT = Costs(start=0, link=1e15, registry=1e15, unpack=1e15)
SLOW = Costs(start=0, link=1e15, registry=1e15, unpack=1e15, slots=1)


def awaited(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """Return of each image that is built those that are built before it."""
    built = set(plan.to_build)
    return {one.name: tuple(built & set(one.needs)) for one in plan.images if one.name in built}


def check_share(plan: Plan, share: Share) -> None:
    """Check that a share's images can be built in order, with nothing but what it says that it needs."""
    needs = awaited(plan)
    places = {name: place for place, name in enumerate(share.images)}
    for name, place in places.items():
        assert all(places.get(need, -1) < place for need in needs.get(name, ()))
    by_name = {one.name: one for one in plan.images}
    outside = {need for name in share.images if name in needs for need in by_name[name].needs} - set(share.images)
    assert set(share.needs) == outside


@given(weighted(), st.integers(1, 6), st.sampled_from([Costs(), INSTANT, SLOW, SLOW]))
@settings(max_examples=300)
def test_each_round_can_run_at_once(drawn: tuple[Plan, Mapping[str, Weight]], machines: int, costs: Costs) -> None:
    plan, weights = drawn
    division = divide(plan, weights, machines, costs)
    event(f"{len(division.trunk)} in the trunk, {len(division.branches)} branches")
    owned = [name for share in division.shares for name in share.images]
    assert sorted(owned) == sorted(plan.to_test), "each image has one owner"
    assert len({share.name for share in division.shares}) == len(division.shares)
    assert max(len(division.trunk), len(division.branches)) <= machines
    assert all(share.images for share in division.shares)
    for share in division.shares:
        check_share(plan, share)
        for name, needs in awaited(plan).items():
            if division.owners[name] is share:
                owners = {division.owners[need] for need in needs} - {share}
                assert owners <= set(division.trunk)
                assert not owners or share in division.branches
    assert division.expected <= division.alone


@given(weighted(), st.integers(2, 6), st.sampled_from([INSTANT, SLOW]), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_makes_no_difference(
    drawn: tuple[Plan, Mapping[str, Weight]], machines: int, costs: Costs, shuffled: random.Random
) -> None:
    plan, weights = drawn
    images, pairs = list(plan.images), list(weights.items())
    shuffled.shuffle(images)
    shuffled.shuffle(pairs)
    assert divide(plan, weights, machines, costs) == divide(Plan(images=tuple(images)), dict(pairs), machines, costs)


def shapes(division: Division) -> list[tuple[str, tuple[str, ...]]]:
    return [(share.name, share.images) for share in division.shares]


def test_a_trunk_and_a_branch_for_each_machine() -> None:
    plan = star(4)
    division = divide(plan, even(plan, HEAVY), 2, Costs(slots=1))
    assert shapes(division) == [
        ("trunk-1", ("base",)),
        ("branch-1", ("leaf0", "leaf2")),
        ("branch-2", ("leaf1", "leaf3")),
    ]
    assert [share.needs for share in division.shares] == [(), ("base",), ("base",)]
    assert division.expected < 0.9 * division.alone


@pytest.mark.parametrize(
    ("plan", "machines"),
    [(chain(30), 8), (star(1), 8), (star(9), 1)],
    ids=["a chain", "an image and its child", "one machine"],
)
def test_one_machine_is_an_answer(plan: Plan, machines: int) -> None:
    division = divide(plan, even(plan, HEAVY), machines)
    assert shapes(division) == [("trunk-1", tuple(one.name for one in plan.images))]
    assert division.expected == division.alone


def test_four_small_images_are_one_machines_work() -> None:
    plan = Plan(images=(image("base"), image("ds", "base"), image("ml", "ds"), image("r", "base")))
    assert len(divide(plan, even(plan, Weight(build=30, test=50, upload=20, size=10**9)), 8).shares) == 1


def test_what_starts_quickly_is_worth_more_machines() -> None:
    plan = star(8)
    weights = even(plan, Weight(build=30, test=30, upload=5, size=10**7))
    assert len(divide(plan, weights, 8).shares) == 1
    assert len(divide(plan, weights, 8, Costs(start=0, slots=1)).shares) > 2


def test_nothing_to_do_is_no_share() -> None:
    plan = Plan(images=(image("base", action=Action.REUSE), image("old", action=Action.DISABLED)))
    assert divide(plan, {}, 8).shares == ()


def test_an_image_that_is_tested_again_keeps_none_waiting() -> None:
    images = [image("base", action=Action.REUSE, retest=True)]
    images += [image(f"leaf{one}", "base") for one in range(4)]
    plan = Plan(images=tuple(images))
    division = divide(plan, even(plan, HEAVY), 5, Costs(slots=1))
    assert division.trunk == ()
    assert len(division.branches) == 5
    assert [share.needs for share in division.branches if "base" not in share.images] == [("base",)] * 4


def test_an_image_that_another_branch_copies_from_is_in_the_trunk_or_in_the_same_branch() -> None:
    images = [image("a"), image("b"), *(image(f"a{one}", "a") for one in range(4))]
    images += [image("b0", "b"), image("b1", "b", "a0", parent="b")]
    plan = Plan(images=tuple(images))
    division = divide(plan, even(plan, HEAVY), 4, Costs(slots=1))
    owner = division.owners
    assert owner["a0"] in division.trunk or owner["a0"] is owner["b1"]
    assert len(division.shares) > 2


def test_what_is_heavy_is_alone() -> None:
    plan = star(5)
    weights = {**even(plan, Weight(build=200, test=200, upload=10, size=10**7)), "leaf3": HEAVY}
    assert "leaf3" in {
        one.images[0] for one in divide(plan, weights, 2, Costs(slots=1)).branches if len(one.images) == 1
    }


def test_more_machines_are_not_always_used() -> None:
    plan = star(64)
    weights = even(plan, Weight(build=120, test=60, upload=10, size=4 * 10**9))
    busy = Costs(registry=240e6, slots=2)
    assert 1 < len(divide(plan, weights, 64, busy).branches) < 64


def test_a_thousand_images() -> None:
    """How long it takes is in benchmarks/scale_out.py."""
    images = [image("root"), *(image(f"m{one}", "root") for one in range(83))]
    images += [image(f"l{one}", f"m{one % 83}") for one in range(916)]
    plan = Plan(images=tuple(images))
    division = divide(plan, even(plan, HEAVY), 50)
    assert len(division.branches) == 50
    assert division.expected < division.alone / 20
