"""Whatever happens between and during runs, a green publish leaves a whole stack under its tag."""

from collections.abc import Collection, Mapping
from datetime import timedelta

import anyio
import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ci.commands.options import BuildOptions
from ci.publish.tags import RelativePlace
from tests.integration.publish.pipeline_harness import OWN, Form
from tests.integration.publish.world import HOST, PLAIN, Fault, Step, World


@st.composite
def stacks(draw: st.DrawFn) -> Mapping[str, str]:
    names = [f"i{number}" for number in range(draw(st.integers(2, 4)))]
    return {
        name: draw(st.sampled_from(["debian:12", *names[:place], *names[:place][-1:]]))
        for place, name in enumerate(names)
    }


OPTIONS = st.one_of(
    st.just(BuildOptions(publish=True)),
    st.sampled_from([("all",), ("all",), ("i1",)]).map(lambda names: BuildOptions(publish=True, rebuild=names)),
    st.just(BuildOptions(publish=True, refresh=True)),
)
STEPS = st.builds(
    Step,
    options=OPTIONS,
    changed=st.integers(0, 12),
    new_commit=st.booleans(),
    failing=st.integers(0, 30),
    clean_up=st.sampled_from([False, False, False, True]),
    later=st.sampled_from([timedelta(), timedelta(), timedelta(days=7)]),
    fault=st.sampled_from(Fault),
    where=st.sampled_from(["", ":s-", "@", ":sha256-", "epoch", ":k-", ":k-", "2026.4"]),
    at=st.integers(1, 5) | st.integers(1, 60),
)


FORMS = st.sampled_from(
    [
        OWN,
        {"i1": RelativePlace("i0", "a-"), "i2": RelativePlace("i0", "a-b-")},
        {f"i{number}": RelativePlace("shared", f"v{number}-") for number in range(4)},
    ]
)
TWINS = st.sampled_from([(), ("i0", "i1", "i2", "i3")])


@given(stacks(), FORMS, TWINS, st.lists(STEPS, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_green_publish_is_a_whole_stack_and_a_plain_repeat_heals(
    parents: Mapping[str, str], form: Form, twins: Collection[str], steps: list[Step]
) -> None:
    """Where images share a repository, some may have the same sources."""

    async def play() -> None:
        world = World(parents, form, twins)
        for step in steps:
            world.change(step)
            report = await world.run(step)
            event("killed or refused" if report is None else f"exit {report.exit_code}")
        healed = await world.run(PLAIN)
        assert healed is not None
        assert healed.exit_code == 0, healed.publication
        again = await world.run(PLAIN)
        assert again is not None
        assert {image.outcome.value for image in again.images} == {"reused"}
        assert again.publication is not None
        assert again.publication.written == ()

    anyio.run(play)


def test_the_check_finds_a_mixed_stack() -> None:
    """The property would not fail otherwise: a child's label, then its layers, are those of another parent."""
    world = World({"i0": "debian:12", "i1": "i0"})
    anyio.run(world.run, PLAIN)
    tags = world.contents.tags[f"{HOST}/stack/i0"]
    first = dict(tags)
    rebuild = msgspec.structs.replace(PLAIN.options, rebuild=("all",))
    anyio.run(world.run, PLAIN._replace(options=rebuild))
    tags.update(first)
    assert len(world.mixed("2026.4-0000001")) == 2
