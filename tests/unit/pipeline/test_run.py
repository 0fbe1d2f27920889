from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from ci.errors import ExternalError
from ci.pipeline.ports import Refused, Remains, SuiteRequest
from ci.pipeline.run import Ports, Run, RunRequest
from ci.planning.plan import make_plan
from ci.results import ImageReport, Layer, Outcome, RunReport, SuiteOutcome, TestOutcome
from ci.stack.fusing import Fused, FusedStep
from ci.stack.model import Tree
from ci.stack.reading import read_stack
from tests.unit.pipeline.remains import failing_remains, passing_remains
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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeBuilder:
    """A Builder that fails at the RUNs it is told to, and keeps the order of what began and ended."""

    def __init__(self, *, failing: str = "", finish_failing: str = "", lost_at: str = "") -> None:
        self._failing = failing
        self._finish_failing = finish_failing
        self._lost_at = lost_at
        self.log: list[str] = []

    async def run_step(self, fused: Fused, step: FusedStep) -> str | Refused:
        name = step.command.removeprefix("RUN ")
        self.log.append(f"+{name}")
        await anyio.lowlevel.checkpoint()
        self.log.append(f"-{name}")
        if name == self._lost_at:
            raise ExternalError("The engine was lost")
        # The engine runs whatever the text up to this RUN copies from, and fails with it.
        if self._failing and f"RUN {self._failing}\n" in f"{fused.cut(step)}\n":
            return Refused(message="exit code 7", exit_code=7, output=f"{self._failing} broke")
        return f"{name} printed this"

    async def finish(self, fused: Fused) -> int | Refused:
        image = fused.stages[-1].image
        self.log.append(f"finish {image}")
        return Refused(message="lstat /gone: no such file") if image == self._finish_failing else 1000

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | Refused:
        self.log.append(f"layers {fused.stages[-1].image}")
        return ()


class FakeTester:
    """A Tester whose suites pass unless told otherwise; `tests` are those of every suite."""

    def __init__(self, *, broken_tools: bool = False, failing: str = "") -> None:
        self._broken_tools = broken_tools
        self._failing = failing
        self.ran: list[str] = []

    async def prepare(self) -> Refused | None:
        return Refused(message="exit code 100", output="no network") if self._broken_tools else None

    async def run_suite(self, fused: Fused, request: SuiteRequest) -> Remains | Refused:
        assert fused.stages[-1].image == request.image.name
        name = f"{request.image.name} {request.suite.name}"
        self.ran.append(name)
        return passing_remains("test_a.py::test_b") if name != self._failing else failing_remains("test_a.py::test_b")


class SilentSpan:
    def fail(self, why: str) -> None:
        pass


class SilentProgress:
    @contextmanager
    def span(self, name: str) -> Iterator[SilentSpan]:  # noqa: ARG002 (a name of the protocol)
        yield SilentSpan()


async def run(
    builder: FakeBuilder, tree: Tree = TREE, *, tester: FakeTester | None = None, describe: bool = False
) -> RunReport:
    stack = read_stack(tree)
    plan = make_plan(stack)
    request = RunRequest(jobs=2, started="2026-01-01T00:00:00+00:00", describe=describe, tested=plan.to_build)
    ports = Ports(builder, tester or FakeTester(), SilentProgress())
    return await Run(plan, stack, ports, request).report()


def outcomes(report: RunReport) -> dict[str, str]:
    return {image.name: image.outcome.value for image in report.images}


def only(report: RunReport, name: str) -> ImageReport:
    return next(image for image in report.images if image.name == name)


async def test_a_green_run_builds_each_run_once_and_siblings_side_by_side() -> None:
    builder = FakeBuilder()
    report = await run(builder)
    assert report.exit_code == 0
    assert set(outcomes(report).values()) == {"built"}
    begun = [entry for entry in builder.log if entry.startswith("+")]
    assert sorted(begun) == ["+base-1", "+base-2", "+ds-1", "+ml-1", "+r-1"]
    assert builder.log.index("+r-1") < builder.log.index("-ds-1")
    assert only(report, "base").steps[1].output == "base-2 printed this"
    assert only(report, "base").size == 1000


async def test_a_failed_leaf_leaves_the_others_built() -> None:
    report = await run(FakeBuilder(failing="r-1"))
    assert outcomes(report) == {"base": "built", "ds": "built", "ml": "built", "r": "failed"}
    failure = only(report, "r").failure
    assert failure is not None
    assert (failure.path, failure.line, failure.instruction) == ("images/r/Dockerfile", 2, "RUN r-1")
    assert (failure.exit_code, failure.output) == (7, "r-1 broke")
    assert report.exit_code == 1


async def test_a_failed_base_blocks_all_that_need_it_and_is_named() -> None:
    builder = FakeBuilder(failing="base-2")
    report = await run(builder)
    assert outcomes(report) == {"base": "failed", "ds": "blocked", "ml": "blocked", "r": "blocked"}
    assert {image.blocked_by for image in report.images} == {None, "base"}
    assert "+ds-1" not in builder.log


async def test_what_fails_without_a_command_is_a_failure_of_the_image() -> None:
    report = await run(FakeBuilder(finish_failing="ds"))
    assert outcomes(report) == {"base": "built", "ds": "failed", "ml": "blocked", "r": "built"}
    failure = only(report, "ds").failure
    assert failure is not None
    assert failure.message == "lstat /gone: no such file"
    assert (failure.line, failure.instruction) == (1, "the image as a whole")


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
    await run(builder, describe=True)
    assert builder.log.index("finish base") < builder.log.index("layers base")
    assert {entry for entry in builder.log if entry.startswith("layers")} == {
        "layers base", "layers ds", "layers ml", "layers r",
    }  # fmt: skip


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
        await run(FakeBuilder(lost_at="base-1"))
    assert caught.group_contains(ExternalError)


TESTED = MemoryTree(
    {
        "images/base/Dockerfile": "FROM debian:bookworm-slim\nRUN base-1\n",
        "images/base/tests/server/test_a.py": "",
        "images/ds/Dockerfile": "FROM base\nRUN ds-1\n",
        "images/ds/tests/gpu/test_a.py": "",
        "images/tests_common/image/test_a.py": "",
    }
)


async def test_every_image_is_tested_by_the_common_and_the_inherited_suites() -> None:
    tester = FakeTester()
    report = await run(FakeBuilder(), TESTED, tester=tester)
    assert report.exit_code == 0
    assert sorted(tester.ran) == ["base base/server", "base common/image", "ds base/server", "ds common/image"]
    assert [suite.name for suite in only(report, "ds").suites] == ["common/image", "base/server"]


async def test_an_inherited_suite_may_fail_on_the_child_alone() -> None:
    report = await run(FakeBuilder(), TESTED, tester=FakeTester(failing="ds base/server"))
    assert outcomes(report) == {"base": "built", "ds": "tests failed"}
    assert report.exit_code == 1
    assert [suite.outcome for suite in only(report, "ds").suites] == [SuiteOutcome.PASSED, SuiteOutcome.FAILED]


async def test_a_child_is_built_although_its_parents_tests_fail() -> None:
    report = await run(FakeBuilder(), TESTED, tester=FakeTester(failing="base common/image"))
    assert outcomes(report) == {"base": "tests failed", "ds": "built"}


async def test_tests_that_could_not_run_are_not_green() -> None:
    report = await run(FakeBuilder(), TESTED, tester=FakeTester(broken_tools=True))
    assert outcomes(report) == {"base": "tests failed", "ds": "tests failed"}
    suite = only(report, "base").suites[0]
    assert (suite.outcome, suite.log) == (SuiteOutcome.ERROR, "no network")
    assert suite.why == "the tools for tests could not be built: exit code 100"


async def test_an_image_that_failed_has_no_tests() -> None:
    tester = FakeTester()
    report = await run(FakeBuilder(failing="ds-1"), TESTED, tester=tester)
    assert outcomes(report) == {"base": "built", "ds": "failed"}
    assert only(report, "ds").suites == ()


async def test_a_flaky_test_is_counted_and_the_run_stays_green() -> None:
    class Flaky(FakeTester):
        async def run_suite(self, fused: Fused, request: SuiteRequest) -> Remains | Refused:
            await super().run_suite(fused, request)
            return passing_remains("t.py::t") if request.only else failing_remains("t.py::t")

    report = await run(FakeBuilder(), TESTED, tester=Flaky())
    assert report.exit_code == 0
    suite = only(report, "base").suites[0]
    assert [test.outcome for test in suite.tests] == [TestOutcome.FLAKY]
    assert suite.log == "the log of a failure"
