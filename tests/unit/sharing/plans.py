"""Plans to be divided, and weights."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan, Plan
from ci.sharing.model import Weight


def image(
    name: str, *needs: str, parent: str | None = None, action: Action = Action.BUILD, retest: bool = False
) -> ImagePlan:
    return ImagePlan(
        name=name,
        parent=parent or (needs[0] if needs else None),
        needs=needs,
        foreign_bases=() if needs else ("debian:12",),
        action=action,
        reason="forced",
        suites=("base/image", "base/gpu"),
        key=f"key of {name}",
        digest=f"sha256:{name}" if action is Action.REUSE else None,
        retest=retest,
    )


def chain(length: int) -> Plan:
    return Plan(images=tuple(image(f"i{one}", *([f"i{one - 1}"] if one else [])) for one in range(length)))


def star(leaves: int) -> Plan:
    return Plan(images=(image("base"), *(image(f"leaf{one}", "base") for one in range(leaves))))


def even(plan: Plan, weight: Weight) -> Mapping[str, Weight]:
    return dict.fromkeys([one.name for one in plan.images], weight)


def seconds() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 1.0, 60.0, 300.0, 5000.0])


@st.composite
def plans(draw: st.DrawFn, most: int = 14) -> Plan:
    """Draw a plan as a run may have it: an image is built wherever one that it depends on is."""
    actions: dict[str, Action] = {}
    images: list[ImagePlan] = []
    for number in range(draw(st.sampled_from([*range(most + 1), most, most, most]))):
        name = f"i{number}"
        above: Sequence[str] = [one.name for one in images if one.action is not Action.DISABLED]
        needs = draw(st.lists(st.sampled_from(above), max_size=2, unique=True)) if above else []
        action = draw(st.sampled_from([*[Action.BUILD] * 4, Action.REUSE, Action.DISABLED]))
        if action is Action.REUSE and any(actions[need] is Action.BUILD for need in needs):
            action = Action.BUILD
        actions[name] = action
        retest = action is Action.REUSE and draw(st.booleans())
        is_child = draw(st.booleans())
        parent = needs[0] if needs and is_child else None
        images.append(image(name, *needs, parent=parent, action=action, retest=retest))
    return Plan(images=tuple(images))


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Plan, Mapping[str, Weight]]:
    """Draw a plan and what is known of the costs of its images."""
    plan = draw(plans())
    sizes = st.sampled_from([0, 10**6, 10**9, 9 * 10**9])
    weight = st.builds(Weight, build=seconds(), test=seconds(), upload=seconds(), size=sizes)
    names = [one.name for one in plan.images]
    return plan, draw(st.dictionaries(st.sampled_from(names), weight)) if names else {}
