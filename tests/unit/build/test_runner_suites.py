import pytest

from ci.build.engine_failure import EngineFailure
from ci.build.suite_ports import SuiteOutput, SuiteRequest
from ci.fusion.fused import Fused
from ci.reports.folder import render_folder
from ci.suite_results import SuiteOutcome, TestOutcome
from tests.unit.build.fakes import FakeBuilder, FakeTester, only, outcomes, run
from tests.unit.build.suite_outputs import failing_output, passing_output
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio


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


CALLED_COMMON = MemoryTree(
    {
        "images/common/Dockerfile": "FROM debian:bookworm-slim\nRUN common-1\n",
        "images/common/tests/image/test_a.py": "",
        "images/ds/Dockerfile": "FROM common\nRUN ds-1\n",
        "images/tests_common/image/test_a.py": "",
    }
)


async def test_an_image_called_common_is_tested_by_its_own_suites_and_by_the_common_ones() -> None:
    tester = FakeTester()
    report = await run(FakeBuilder(), CALLED_COMMON, tester=tester)
    assert report.exit_code == 0
    assert sorted(tester.folders) == [
        ("common", "images/common/tests/image"),
        ("common", "images/tests_common/image"),
        ("ds", "images/common/tests/image"),
        ("ds", "images/tests_common/image"),
    ]
    assert [suite.name for suite in only(report, "ds").suites] == ["tests_common/image", "common/image"]
    suites = [(image.name, suite.file) for image in report.images for suite in image.suites]
    assert len(set(suites)) == len(suites) == 4
    assert {f"logs/{image}/{file}.xml" for image, file in suites} <= set(render_folder(report))


@pytest.mark.parametrize("folder", ["images/tests_common/image", "images/common/tests/image"])
async def test_a_suite_that_fails_beside_an_image_called_common_is_red(folder: str) -> None:
    report = await run(FakeBuilder(), CALLED_COMMON, tester=FakeTester(failing_folder=folder))
    assert outcomes(report) == {"common": "tests failed", "ds": "tests failed"}


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
        async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
            await super().run_suite(fused, request)
            return passing_output("t.py::t") if request.only else failing_output("t.py::t")

    report = await run(FakeBuilder(), TESTED, tester=Flaky())
    assert report.exit_code == 0
    suite = only(report, "base").suites[0]
    assert [test.outcome for test in suite.tests] == [TestOutcome.FLAKY]
    assert suite.log == "the log of a failure"
