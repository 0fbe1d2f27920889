import pytest

from ci.build.outcomes import with_contents
from ci.errors import EngineLostError
from ci.results import Outcome
from tests.unit.build.fakes import FakeBuilder, only, outcomes, run
from tests.unit.contents.samples import contents
from tests.unit.trees import MemoryTree, dockerfiles

pytestmark = pytest.mark.anyio

TREE = dockerfiles(
    base="FROM debian:bookworm-slim\nRUN base-1\nRUN base-2\n",
    ds="FROM base\nRUN ds-1\n",
    ml="FROM ds\nRUN ml-1\n",
    r="FROM base\nRUN r-1\n",
)
COPYING = dockerfiles(
    base="FROM debian:bookworm-slim\nRUN base-1\n",
    tex="FROM debian:bookworm-slim AS fetch\nRUN fetch-1\nFROM base\nRUN tex-1\nCOPY --from=fetch /x /x\nRUN tex-2\n",
)


async def test_a_green_run_builds_each_run_once_and_siblings_side_by_side() -> None:
    builder = FakeBuilder()
    report = await run(builder, TREE)
    assert report.exit_code == 0
    assert set(outcomes(report).values()) == {"built"}
    begun = [entry for entry in builder.log if entry.startswith("+")]
    assert sorted(begun) == ["+base-1", "+base-2", "+ds-1", "+ml-1", "+r-1"]
    assert builder.log.index("+r-1") < builder.log.index("-ds-1")
    assert only(report, "base").steps[1].output == "base-2 printed this"
    assert only(report, "base").size == 1000


async def test_a_failed_leaf_leaves_the_others_built() -> None:
    report = await run(FakeBuilder(failing="r-1"), TREE)
    assert outcomes(report) == {"base": "built", "ds": "built", "ml": "built", "r": "failed"}
    failure = only(report, "r").failure
    assert failure is not None
    assert (failure.path, failure.line, failure.instruction) == ("images/r/Dockerfile", 2, "RUN r-1")
    assert (failure.exit_code, failure.output) == (7, "r-1 broke")
    assert report.exit_code == 1


async def test_a_failed_base_blocks_all_that_need_it_and_is_named() -> None:
    builder = FakeBuilder(failing="base-2")
    report = await run(builder, TREE)
    assert outcomes(report) == {"base": "failed", "ds": "blocked", "ml": "blocked", "r": "blocked"}
    assert {image.blocked_by for image in report.images} == {None, "base"}
    assert "+ds-1" not in builder.log


async def test_what_fails_without_a_command_is_a_failure_of_the_image() -> None:
    report = await run(FakeBuilder(finish_failing="ds"), TREE)
    assert outcomes(report) == {"base": "built", "ds": "failed", "ml": "blocked", "r": "built"}
    failure = only(report, "ds").failure
    assert failure is not None
    assert failure.message == "lstat /gone: no such file"
    assert (failure.line, failure.instruction) == (0, "the image as a whole")


async def test_a_stage_without_the_parent_starts_beside_the_parent() -> None:
    builder = FakeBuilder()
    report = await run(builder, COPYING)
    assert report.exit_code == 0
    assert builder.log.index("+fetch-1") < builder.log.index("-base-1")
    assert [step.command for step in only(report, "tex").steps] == [
        "RUN fetch-1", "RUN tex-1", "COPY --from=fetch /x /x", "RUN tex-2",
    ]  # fmt: skip


async def test_a_failure_of_a_copied_stage_is_blamed_on_that_stage() -> None:
    failure = only(await run(FakeBuilder(failing="fetch-1"), COPYING), "tex").failure
    assert failure is not None
    assert failure.instruction == "RUN fetch-1"


async def test_describing_comes_after_building_and_does_not_hold_children_up() -> None:
    builder = FakeBuilder()
    await run(builder, TREE, measure=True)
    assert builder.log.index("finish base") < builder.log.index("layers base")
    assert {entry for entry in builder.log if entry.startswith("layers")} == {
        "layers base", "layers ds", "layers ml", "layers r",
    }  # fmt: skip


async def test_key_versions_and_what_could_not_be_read_are_in_the_report() -> None:
    files = {path: TREE.read(path) for path in TREE.paths}
    tree = MemoryTree({**files, "images/stack.toml": '[describe]\nhighlights = ["apt:of-base"]\n'})
    report = await run(FakeBuilder(failing="r-1"), tree, describe=True)
    assert only(report, "base").versions == {"OS": "12", "of-base": "1"}
    assert only(report, "ds").versions == {"OS": "12"}
    assert only(report, "r").versions == {}
    assert report.exit_code == 1


async def test_what_could_not_be_read_leaves_the_run_green() -> None:
    report = await run(FakeBuilder(), TREE)
    found = with_contents(
        report, {"base": contents("base", unread=("an rpm database",), problems=("b has no version",))}
    )
    assert only(found, "base").contents_notes == ("an rpm database", "b has no version")
    assert only(found, "ds").contents_notes == ()
    assert found.exit_code == 0


async def test_disabled_images_are_reported_and_not_built() -> None:
    tree = MemoryTree(
        {
            "images/base/Dockerfile": "FROM debian:bookworm-slim\nRUN base-1\n",
            "images/old/Dockerfile": "FROM debian:bookworm-slim\nRUN old-1\n",
            "images/stack.toml": '[images.old]\nenabled = false\nreason = "R 3 is gone"\n',
        }
    )
    builder = FakeBuilder()
    report = await run(builder, tree)
    assert outcomes(report) == {"base": Outcome.BUILT, "old": Outcome.DISABLED}
    assert "+old-1" not in builder.log


async def test_a_lost_engine_ends_the_run() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await run(FakeBuilder(lost_at="base-1"), TREE)
    assert caught.group_contains(EngineLostError)
