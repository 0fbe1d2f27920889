"""The machines of a divided stack, killed before and after every write request they make.

Nothing green is a mix, what was killed leads to no tag, and the same division is finished by running the same again.
"""

from collections import Counter
from collections.abc import Mapping

import anyio
import pytest

from ci.commands.options import BuildOptions
from ci.results import RunReport
from ci.sharing.model import Shares
from tests.integration.publish.share_world import Machines, outcomes
from tests.integration.publish.world import PLAIN, Fault, Step

PARENTS = {"i0": "debian:12", "i1": "i0", "i2": "i0", "i3": "i2"}
COMMANDS = {
    "first publication": PLAIN,
    "rebuild": PLAIN._replace(options=BuildOptions(rebuild=("all",))),
    "refresh": PLAIN._replace(options=BuildOptions(refresh=True)),
}
MOST_WRITES = 200
GATHER = "gather"


async def until(world: Machines, shares: Shares, victim: str, fault: Step) -> tuple[dict[str, RunReport | None], bool]:
    """Run the machines in order; the victim is killed. Returns the reports, and whether it was."""
    reports: dict[str, RunReport | None] = {}
    for share in shares.division.shares:
        reports[share.name] = await world.build(shares, share.name, fault if share.name == victim else PLAIN)
    if victim == GATHER:
        return reports, await world.gather(shares, reports.values(), fault) is None
    return reports, reports[victim] is None


async def crash(command: Step, victim: str, fault: Step) -> str:
    """Kill one machine at one write, and gather; run what is red again, with what follows on it: all is green."""
    world = Machines(PARENTS)
    if command is not PLAIN:
        first = await world.publish()
        assert first.exit_code == 0, first.publication
        world.commit += 1
    shares = await world.divided(command)
    assert [share.name for share in shares.division.shares] == ["trunk-1", "branch-1", "branch-2"]
    reports, killed = await until(world, shares, victim, fault)
    if not killed:
        return "no such write"
    report = await world.gathered(shares, reports.values())
    is_green = report.exit_code == 0
    assert is_green == world.has_tag
    if victim != GATHER:
        assert is_green == all(one.outcome.ok for one in report.images)
    built = Counter[str]()
    red = {shares.division.owners[one.name].name for one in report.images if not one.outcome.ok}
    for share in shares.division.shares:
        if red & {"trunk-1", share.name}:
            reports[share.name] = await world.build(shares, share.name)
            again = outcomes(reports[share.name])
            built.update(again[name] for name in share.images)
    report = await world.gathered(shares, reports.values())
    assert report.exit_code == 0, (report.publication, outcomes(report))
    settled = await world.run(PLAIN)
    assert settled is not None
    assert set(outcomes(settled).values()) == {"reused"}
    assert settled.publication is not None
    assert settled.publication.written == ()
    state = "green without its report" if is_green and victim != GATHER else "tag" if is_green else "red"
    return f"{state}, then {', '.join(f'{count} {outcome}' for outcome, count in sorted(built.items())) or 'nothing'}"


def table(command: Step, victim: str, fault: Fault) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for number in range(1, MOST_WRITES):
        step = PLAIN._replace(fault=fault, at=number)

        async def play(step: Step = step) -> str:
            return await crash(command, victim, step)

        outcome = anyio.run(play)
        if outcome == "no such write":
            break
        found[outcome] += 1
    assert found.total() < MOST_WRITES
    return found


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
@pytest.mark.parametrize("victim", ["trunk-1", "branch-1", "branch-2", GATHER])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_division_is_finished(name: str, victim: str, fault: Fault) -> None:
    found = table(COMMANDS[name], victim, fault)
    print(f"{name}: {victim} {fault} each of {sum(found.values())} writes: {dict(found)}")  # noqa: T201 (a table)
    assert sum(found.values()) > 5
