"""The publishing commands, killed before and after every write request they make, with a registry in memory.

`tests/e2e/crash_table.py` does the same with processes that are killed, on a real engine and registry.
"""

from collections import Counter

import anyio
import pytest

from ci.commands.options import BuildOptions
from ci.publish.descriptions import find_description
from ci.publish.stack_list import read_stacks
from ci.publish.tags import RelativePlace
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.pipeline_harness import OWN, Form
from tests.integration.publish.world import PLAIN, Fault, Step, World

PARENTS = {"i0": "debian:12", "i1": "debian:12", "i2": "i0", "i3": "i2", "i4": "i1"}
TWINS = ("i0", "i1")
FORMS = {
    "own repositories": OWN,
    "one repository": {
        "i0": RelativePlace("variants"),
        "i1": RelativePlace("variants", "a-"),
        "i2": RelativePlace("variants", "a-b-"),
        "i4": RelativePlace("variants", "c-"),
    },
}
COMMANDS = {
    "first publication": PLAIN,
    "another commit": PLAIN._replace(new_commit=True, changed=0),
    "rebuild": PLAIN._replace(options=BuildOptions(publish=True, rebuild=("all",))),
    "refresh": PLAIN._replace(options=BuildOptions(publish=True, refresh=True)),
}
MOST_WRITES = 500


async def undescribed(world: World) -> list[str]:
    """Return the images of the stack's tag that have no description of their own, or do not list the stack."""
    registry, tag = MemoryRegistry(world.contents), f"2026.4-{world.commit:07x}"
    found = []
    for place, name in ((world.layout.place(name), name) for name in world.parents):
        digest = await registry.head(place.tagged(tag))
        described = await find_description(registry, place.repository, str(digest), name)
        listed = [record.tag for record in await read_stacks(registry, [place], "2026.4")]
        if described is None or described.image != name or tag not in listed:
            found.append(name)
    return found


async def crash(form: Form, first: Step | None, step: Step) -> str:
    """Kill a run at one write, then repeat it; both checks of a whole stack are in `World.run`."""
    world = World(PARENTS, form, TWINS)
    if first is not None:
        assert (await world.run(first)) is not None
    world.change(step)
    report = await world.run(step)
    if report is not None:
        return "no such write"
    repeated = await world.run(step._replace(fault=Fault.NONE))
    assert repeated is not None
    assert repeated.exit_code == 0, repeated.publication
    assert await undescribed(world) == []
    settled = await world.run(PLAIN)
    assert settled is not None
    assert {image.outcome.value for image in settled.images} == {"reused"}
    assert settled.publication is not None
    assert settled.publication.written == ()
    outcomes = Counter(image.outcome.value for image in repeated.images)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_mends_it(name: str, fault: Fault, form: str) -> None:
    step = COMMANDS[name]
    first = None if name == "first publication" else PLAIN
    outcomes: Counter[str] = Counter()
    for number in range(1, MOST_WRITES):
        outcome = anyio.run(crash, FORMS[form], first, step._replace(fault=fault, at=number))
        if outcome == "no such write":
            break
        outcomes[outcome] += 1
    print(f"{form}, {name}, {fault} each of {outcomes.total()} writes; the repeat: {dict(outcomes)}")  # noqa: T201 (a table)
    assert 20 < outcomes.total() < MOST_WRITES
