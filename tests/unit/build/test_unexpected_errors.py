"""An unexpected error, in one task: it is that task's failure, and the rest of the run goes on."""

from collections.abc import Callable, Mapping

import pytest

from ci.build.engine_failure import EngineFailure
from ci.build.suite_ports import SuiteOutput, SuiteRequest
from ci.errors import EngineLostError, ExternalError
from ci.fusion.fused import Fused, FusedStep
from ci.reports.folder import render_folder
from ci.reports.text import render_run
from ci.results import Layer, RunReport
from tests.unit.build.fakes import FakeBuilder, FakeTester, outcomes, run
from tests.unit.trees import MemoryTree, dockerfiles

pytestmark = pytest.mark.anyio
FILES = {
    **{f"images/{name}/Dockerfile": f"FROM {base}\nRUN {name}\n" for name, base in
       {"base": "debian:12", "ds": "base", "r": "base"}.items()},
    "images/base/tests/image/test_a.py": "",
}  # fmt: skip
TREE = MemoryTree(FILES)


def broken() -> Exception:
    """Return what a task group raises."""
    return ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("Expecting value")])


class Broken(FakeBuilder):
    """A FakeBuilder with a mistake in one method, for one image."""

    def __init__(self, method: str, image: str, error: Callable[[], Exception] = broken) -> None:
        super().__init__()
        self.method = method
        self.image = image
        self.error = error

    def check(self, method: str, image: str) -> None:
        if (method, image) == (self.method, self.image):
            raise self.error()

    async def run_step(self, fused: Fused, step: FusedStep) -> str | EngineFailure:
        self.check("run_step", step.image)
        return await super().run_step(fused, step)

    async def finish(self, fused: Fused) -> int | EngineFailure:
        self.check("finish", fused.stages[-1].image)
        return await super().finish(fused)

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        self.check("layers", fused.stages[-1].image)
        return await super().layers(fused)


class BrokenTester(FakeTester):
    """A FakeTester with a mistake in it, for one image or, without a name, for the tools."""

    def __init__(self, image: str) -> None:
        super().__init__()
        self.image = image

    async def prepare(self) -> EngineFailure | None:
        if not self.image:
            raise broken()
        return await super().prepare()

    async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        if request.image.name == self.image:
            raise broken()
        return await super().run_suite(fused, request)


def check_texts(report: RunReport, log: str) -> None:
    text = render_run(report)
    assert "an unexpected error (ValueError: Expecting value)" in text
    assert "open an issue" in text
    assert "TaskGroup" not in text
    assert "Traceback" not in text
    assert "Traceback" in render_folder(report)[log]


@pytest.mark.parametrize(
    ("method", "image", "expected"),
    [
        ("run_step", "r", {"base": "built", "ds": "built", "r": "failed"}),
        ("finish", "ds", {"base": "built", "ds": "failed", "r": "built"}),
        ("layers", "ds", {"base": "built", "ds": "failed", "r": "built"}),
        ("run_step", "base", {"base": "failed", "ds": "blocked", "r": "blocked"}),
    ],
)
async def test_an_unexpected_error_of_the_builder_is_a_failure_of_its_image(
    method: str, image: str, expected: Mapping[str, str]
) -> None:
    tester = FakeTester()
    report = await run(Broken(method, image), TREE, tester=tester, measure=True)
    assert outcomes(report) == expected
    assert report.exit_code == 1
    check_texts(report, f"logs/{image}/build.log")
    built = [name for name, outcome in expected.items() if outcome == "built"]
    assert {ran.partition(" ")[0] for ran in tester.ran} >= set(built)


async def test_an_unexpected_error_of_a_suite_is_an_error_of_the_suite() -> None:
    report = await run(FakeBuilder(), TREE, tester=BrokenTester("ds"))
    assert outcomes(report) == {"base": "built", "ds": "tests failed", "r": "built"}
    check_texts(report, "logs/ds/base-image.log")


async def test_an_unexpected_error_of_the_tools_makes_all_suites_errors() -> None:
    report = await run(FakeBuilder(), TREE, tester=BrokenTester(""))
    assert outcomes(report) == dict.fromkeys(("base", "ds", "r"), "tests failed")
    check_texts(report, "logs/ds/base-image.log")


async def test_a_planned_error_of_one_task_keeps_its_sentence() -> None:
    report = await run(Broken("layers", "ds", lambda: ExternalError("They cannot be told apart.")), TREE, measure=True)
    assert outcomes(report) == {"base": "built", "ds": "failed", "r": "built"}
    assert "They cannot be told apart." in render_run(report)
    assert "unexpected" not in render_run(report)


async def test_a_lost_engine_ends_the_run() -> None:
    with pytest.raises(ExceptionGroup) as found:
        await run(Broken("finish", "ds", lambda: EngineLostError("The engine was lost.")), TREE)
    assert found.group_contains(EngineLostError)


async def test_an_image_without_tests_is_no_way_out() -> None:
    """Nothing that raises may end green."""
    report = await run(Broken("run_step", "only"), dockerfiles(only="FROM debian:12\nRUN only\n"))
    assert report.exit_code == 1
