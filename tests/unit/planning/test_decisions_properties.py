"""A decision holds whatever the stack looks like."""

from hypothesis import given
from hypothesis import strategies as st

from ci.planning.cache_key import make_keys
from ci.planning.changes import Changed, History, Unknown
from ci.planning.decisions import Absent, Action, Cause, NoAnswer, PlanInputs, Present, Record, decide
from ci.stack.reader import read_stack
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

BASES = {"debian:12": "sha256:d", "uv:0.9": "sha256:u"}
RECORD = Record(commit="c", epoch="1", build_args={}, bases={"debian:12": "sha256:old"})


@st.composite
def stacks(draw: st.DrawFn) -> tuple[MemoryTree, PlanInputs]:
    """Draw a stack of some images, each of which needs some of those above it, and what is known of them."""
    names = [f"i{number}" for number in range(draw(st.integers(1, 7)))]
    files: dict[str, str] = {}
    for place, name in enumerate(names):
        above = st.sampled_from(names[:place]) if place else st.nothing()
        parent = draw(above | st.sampled_from(["debian:12", "uv:0.9", "scratch"]))
        copies = draw(st.lists(above, max_size=2)) if place else []
        lines = [f"FROM {parent}", *(f"COPY --from={source} /a /b" for source in copies)]
        files[f"images/{name}/Dockerfile"] = "\n".join(lines)
    tree = MemoryTree(files)
    stack = read_stack(tree)
    bases = draw(st.sampled_from([BASES, BASES, {"uv:0.9": "sha256:u"}]))
    digest = st.sampled_from(["sha256:x", "sha256:x", "sha256:y"])
    present = st.builds(Present, digest=digest, needs=st.fixed_dictionaries(dict.fromkeys(names, digest)))
    answer = present | present | st.just(Absent()) | st.just(NoAnswer(why="no"))
    paths = st.frozensets(st.sampled_from([*files, "images/i0/x", "ci/x", "README.md"]))
    changed = paths.map(lambda found: Changed(base="b", paths=tuple(sorted(found))))
    return tree, PlanInputs(
        keys=make_keys(stack, tree, stack.images, bases, PIPELINE),
        answers=draw(st.dictionaries(st.sampled_from(names), answer)),
        history=History(commit=None, dirty=True, changes=draw(changed | st.just(Unknown(why="?")))),
        records=draw(st.none() | st.just({}) | st.just({names[-1]: RECORD})),
        forced=draw(st.frozensets(st.sampled_from(names), max_size=2)),
    )


@given(stacks())
def test_just_what_is_published_and_needs_only_such_is_reused(dependencies: tuple[MemoryTree, PlanInputs]) -> None:
    tree, found = dependencies
    stack = read_stack(tree)
    decisions = {one.name: one for one in decide(stack, stack.images, found)}
    assert list(decisions) == [image.name for image in stack.images]
    for image in stack.images:
        answer = found.answers.get(image.name)
        expected = (
            isinstance(answer, Present)
            and found.keys[image.name].key is not None
            and image.name not in found.forced
            and all(decisions[name].action is Action.REUSE for name in image.needs)
            and all(decisions[name].digest == answer.needs[name] for name in image.needs)
        )
        decision = decisions[image.name]
        assert decision.action is (Action.REUSE if expected else Action.BUILD)
        assert decision.digest == (answer.digest if expected and isinstance(answer, Present) else None)
        assert (decision.reason.cause is Cause.PUBLISHED) == expected
        assert decision.reason.detail
