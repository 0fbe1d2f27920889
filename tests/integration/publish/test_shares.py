"""A stack that several machines publish is what one machine publishes; whatever is wrong is said, and tags nothing."""

import msgspec
import pytest

from ci.commands.options import BuildOptions
from ci.commands.sharing import build_share
from ci.publish.attestations import RecordedImage, RunRecord
from ci.publish.stack_list import read_stacks
from ci.results import RunReport
from ci.stack.reader import read_stack
from ci.timing import TaskKind
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.share_world import Machines, outcomes, why
from tests.integration.publish.world import PLAIN, World
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio
PARENTS = {"i0": "debian:12", "i1": "i0", "i2": "i0", "i3": "i2"}
TRUNK, FIRST, SECOND = "trunk-1", "branch-1", "branch-2"
REBUILD = PLAIN._replace(options=BuildOptions(rebuild=("all",)))


async def record(world: World) -> RunRecord:
    registry = MemoryRegistry(world.contents)
    found = await read_stacks(registry, [world.layout.place("i0")], "2026.4")
    return found[0]


def timeless(found: RunRecord) -> list[RecordedImage]:
    """Return what a record says of its images, but what differs between two engines."""
    zero = {"seconds": 0.0, "test_seconds": 0.0, "upload_seconds": 0.0, "digest": "", "size": 0}
    return [msgspec.structs.replace(image, **zero) for image in found.images]


def tasks(report: RunReport) -> set[tuple[str, str, str]]:
    """Return what was done, but for what machines fetch of each other."""
    return {(task.kind, task.image, task.part) for task in report.tasks if task.kind is not TaskKind.FETCH}


def without(reports: list[RunReport], share: str) -> list[RunReport]:
    return [report for report in reports if report.share != share]


@pytest.mark.parametrize("machines", [1, 2, 4])
async def test_several_machines_publish_what_one_does(machines: int) -> None:
    alone, world = World(PARENTS), Machines(PARENTS)
    plain = await alone.run(PLAIN)
    report = await world.publish(machines=machines)
    assert plain is not None
    assert report.exit_code == plain.exit_code == 0
    assert outcomes(report) == outcomes(plain)
    assert report.plan == plain.plan
    assert tasks(report) == tasks(plain)
    keys = {name: sorted(tags) for name, tags in alone.contents.tags.items()}
    found = {name: sorted(tags) for name, tags in world.contents.tags.items()}
    kinds = ("k-", "s-", "2026.4")
    assert {name: [tag for tag in tags if tag.startswith(kinds)] for name, tags in found.items()} == {
        name: [tag for tag in tags if tag.startswith(kinds)] for name, tags in keys.items()
    }
    assert timeless(await record(world)) == timeless(await record(alone))


async def test_the_times_of_shares_are_those_of_one_run() -> None:
    world = Machines(PARENTS)
    report = await world.publish()
    begun = {task.image: task.started for task in report.tasks if task.kind == "stage"}
    assert begun["i0"] == pytest.approx(60, abs=20)
    assert begun["i1"] == pytest.approx(120, abs=20)
    assert report.seconds >= 240
    awaited = {(task.kind, task.image): report.tasks[task.after] for task in report.tasks if task.after is not None}
    stages = {name: awaited[TaskKind.IMAGE, name] for name in PARENTS}
    assert {name: (one.kind, one.image) for name, one in stages.items()} == {
        name: (TaskKind.STAGE, name) for name in PARENTS
    }
    assert report.by_name["i1"].started >= 120


async def test_another_commit_with_the_same_images_has_no_shares_and_gets_its_tag() -> None:
    world = Machines(PARENTS)
    await world.publish()
    world.commit += 1
    shares = await world.divided()
    assert shares.division.shares == ()
    report = await world.gathered(shares, ())
    assert set(outcomes(report).values()) == {"reused"}
    assert world.has_tag


async def test_what_a_trunk_could_not_upload_blocks_its_branches_at_once() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    report = await world.build(shares, SECOND)
    assert outcomes(report) == {"i2": "blocked", "i3": "blocked"}
    assert why(report, "i2") == (
        "i0 is built by trunk-1 and is not in the registry: trunk-1 did not upload it. Run trunk-1 first; its report "
        "says what went wrong."
    )
    assert why(report, "i3") == ""
    gathered = await world.gathered(shares, [report])
    assert outcomes(gathered) == {"i0": "missing", "i1": "missing", "i2": "blocked", "i3": "blocked"}
    assert gathered.exit_code == 1
    assert not world.has_tag


async def test_a_missing_report_is_a_sentence() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    reports = [await world.build(shares, TRUNK), await world.build(shares, FIRST)]
    gathered = await world.gathered(shares, reports)
    assert outcomes(gathered) == {"i0": "built", "i1": "built", "i2": "missing", "i3": "missing"}
    assert why(gathered, "i2") == (
        "branch-2 left no report of it: its machine was lost, or its report was not kept. Run the job of branch-2 "
        "again, then gather again."
    )
    assert gathered.publication is not None
    assert "i2, i3 did not pass" in gathered.publication.failure
    assert not world.has_tag


async def test_suites_that_fail_on_the_trunk_leave_the_stack_without_a_tag() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    reports = [await world.build(shares, TRUNK, PLAIN._replace(failing=0)), await world.build(shares, FIRST)]
    reports.append(await world.build(shares, SECOND))
    gathered = await world.gathered(shares, reports)
    assert outcomes(gathered) == {"i0": "tests failed", "i1": "built", "i2": "built", "i3": "built"}
    assert not world.has_tag


async def test_the_newest_report_of_a_share_counts() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    red = await world.build(shares, TRUNK, PLAIN._replace(failing=0))
    reports = await world.build_all(shares)
    gathered = await world.gathered(shares, [*reports, red])
    assert gathered.exit_code == 0
    assert outcomes(gathered)["i0"] == "built"


async def test_a_share_of_another_division_does_not_count() -> None:
    world = Machines(PARENTS)
    older = await world.divided()
    reports = await world.build_all(older)
    world.files["images/i1/Dockerfile"] += "RUN more\n"
    world.commit += 1
    shares = await world.divided()
    gathered = await world.gathered(shares, reports)
    assert {name for name, outcome in outcomes(gathered).items() if outcome == "missing"} == {"i1"}


async def test_a_report_with_a_digest_that_is_not_there_is_not_believed() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    reports = await world.build_all(shares)
    trunk = next(report for report in reports if report.share == TRUNK)
    image = msgspec.structs.replace(trunk.by_name["i0"], digest=f"sha256:{'0' * 64}")
    forged = msgspec.structs.replace(trunk, images=(image,))
    world.contents.tags[str(world.layout.repository("i0"))].clear()
    gathered = await world.gathered(shares, [forged, *without(reports, TRUNK)])
    assert outcomes(gathered)["i0"] == "not uploaded"
    assert "the registry has no such image with its test attestation" in why(gathered, "i0")
    assert not world.has_tag


async def test_a_trunk_that_is_built_again_makes_its_branches_follow() -> None:
    world = Machines(PARENTS)
    shares = await world.divided(REBUILD)
    reports = await world.build_all(shares)
    world.contents.tags[str(world.layout.repository("i0"))].clear()
    trunk = await world.build(shares, TRUNK)
    gathered = await world.gathered(shares, [trunk, *without(reports, TRUNK)])
    assert outcomes(gathered) == {"i0": "built", "i1": "not uploaded", "i2": "not uploaded", "i3": "built"}
    assert why(gathered, "i1").startswith("It was built on i0 sha256:")
    assert why(gathered, "i1").endswith("Run the job of branch-1 again, then gather again.")
    assert not world.has_tag
    again = [trunk, await world.build(shares, FIRST), await world.build(shares, SECOND)]
    assert (await world.gathered(shares, again)).exit_code == 0


async def test_two_divisions_at_once_lead_to_no_mix_and_are_both_finished() -> None:
    world = Machines(PARENTS)
    one, other = await world.divided(), await world.divided()
    reports: dict[str, list[RunReport | None]] = {"one": [], "other": []}
    for name in (TRUNK, FIRST, SECOND):
        reports["other"].append(await world.build(other, name))
        world.contents.tags[str(world.layout.repository("i0"))].clear() if name == TRUNK else None
        reports["one"].append(await world.build(one, name))
    first = await world.gathered(one, reports["one"])
    assert first.exit_code == 0
    second = await world.gathered(other, reports["other"])
    assert second.exit_code == 0
    assert {image.digest for image in first.images} == {image.digest for image in second.images}


async def test_a_rebuild_does_not_take_what_was_published_before() -> None:
    world = Machines(PARENTS)
    first = await world.publish()
    shares = await world.divided(REBUILD)
    gathered = await world.gathered(shares, ())
    assert set(outcomes(gathered).values()) == {"missing"}
    second = await world.gathered(shares, await world.build_all(shares))
    assert second.exit_code == 0
    assert all(one.digest != two.digest for one, two in zip(first.images, second.images, strict=True))


async def test_a_second_attempt_builds_nothing_again() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    await world.build_all(shares)
    again = await world.build_all(shares)
    assert {outcome for report in again for outcome in outcomes(report).values()} == {"reused"}
    gathered = await world.gathered(shares, again)
    assert gathered.exit_code == 0


async def test_tests_that_changed_run_in_a_share() -> None:
    world = Machines(PARENTS)
    await world.publish()
    world.files["images/tests_common/image/test_a.py"] = "changed"
    world.commit += 1
    shares = await world.divided()
    assert shares.plan.to_build == ()
    assert sorted(shares.division.owners) == sorted(PARENTS)
    missing = await world.gathered(shares, ())
    assert set(outcomes(missing).values()) == {"missing"}
    reports = await world.build_all(shares)
    assert [suite.outcome.value for report in reports for image in report.images for suite in image.suites] == [
        "passed"
    ] * 4
    assert (await world.gathered(shares, reports)).exit_code == 0


async def test_a_base_that_moves_and_an_epoch_made_in_between_change_nothing() -> None:
    world = Machines(PARENTS)
    shares = await world.divided(PLAIN._replace(options=BuildOptions(refresh=True)))
    ports = world.ports(PLAIN)

    async def moved(reference: str) -> str:
        raise AssertionError(f"{reference} is resolved again")

    tree = MemoryTree(world.files)
    for share in shares.division.shares:
        result = await build_share(read_stack(tree), tree, shares, share.name, ports._replace(base_digest=moved))
        assert set(outcomes(result.report).values()) <= {"built", "reused"}
    assert (await world.gathered(shares, ())).exit_code == 0


async def test_a_share_sends_few_requests() -> None:
    """Each image of its own costs two; what it depends on, at most two; the rest of the stack, none."""
    names = {"i0": "debian:12", **{f"i{number}": "i0" for number in range(1, 9)}}
    world = Machines(names)
    shares = await world.divided(machines=8)
    await world.build(shares, TRUNK)
    ports = world.ports(PLAIN)
    assert ports.registry is not None
    registry = ports.registry.registry
    assert isinstance(registry, MemoryRegistry)
    tree = MemoryTree(world.files)
    share = shares.division.branches[0]
    await build_share(read_stack(tree), tree, shares, share.name, ports)
    heads = [call for call in registry.calls if call.startswith("head") and (":s-" in call or ":k-" in call)]
    assert len(heads) <= 2 * len({*share.images, *share.needs})
    others = [name for name in names if name not in {*share.images, *share.needs}]
    assert not [call for call in registry.calls if any(f"/{name}:" in call or f"/{name}@" in call for name in others)]


async def test_the_children_of_an_image_with_onbuild_are_built_on_what_that_is_built_on() -> None:
    world = Machines({"i0": "debian:12", "i1": "i0", "i2": "i1", "i3": "i1"})
    world.files["images/i1/Dockerfile"] += "ONBUILD RUN triggered\n"
    shares = await world.divided()
    reports = await world.build_all(shares)
    assert len(shares.division.branches) == 2
    branch = next(report for report in reports if report.share == FIRST)
    assert set(outcomes(branch).values()) == {"built", "reused"}
    assert {"i0", "i1"} <= {image.name for image in branch.images}
    # The images of i1's children do not say which build of it they begin with: there is none under a tag.
    world.parents = {"i0": "debian:12", "i1": "i0"}
    assert (await world.gathered(shares, reports)).exit_code == 0
