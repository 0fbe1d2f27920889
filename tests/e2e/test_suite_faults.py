"""Planted faults: each ends with the right outcome, the right names and a whole report, and never green."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import EngineInspector
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.adapters.dagger_engine.tester import EngineTester
from ci.build.ports import RunPorts
from ci.build.runner import Run
from ci.build.tasks import BuildRun
from ci.planning.plan import make_plan
from ci.reports.folder import render_folder
from ci.results import ImageReport, RunReport
from ci.stack.reader import read_stack
from tests.e2e.faults import FILES
from tests.e2e.stacks import write_tree
from tests.folder_tree import FolderTree

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def report(session: None, tmp_path_factory: pytest.TempPathFactory) -> RunReport:  # noqa: ARG001 (it must be open)
    folder = write_tree(tmp_path_factory.mktemp("faults"), FILES)
    stack = read_stack(FolderTree(folder))
    plan = make_plan(stack)
    source: dagger.Directory = dag.host().directory(str(folder))
    builder = EngineBuilder(source)
    request = BuildRun(jobs=4, started="2026-01-01T00:00:00+00:00", tested=plan.to_build)
    ports = RunPorts(builder, EngineTester(source, builder), EngineInspector(builder), TelemetryProgress())
    return await Run(plan, stack, ports, request).report()


@pytest.fixture(scope="module")
async def images(report: RunReport) -> Mapping[str, ImageReport]:
    return {image.name: image for image in report.images}


@pytest.mark.parametrize(
    ("name", "suite", "why", "tests"),
    [
        ("fails", "failed", "1 test failed", {"test_it": "failed", "test_other": "passed"}),
        ("uncollected", "error", "No module named 'no_such_module'", {}),
        ("empty", "empty", "no tests collected", {}),
        ("skipped", "failed", "no test passed: all were skipped", {"test_it": "skipped"}),
        ("exits", "error", "exit code 0 while test_fault.py::test_it was running",
         {"test_first": "passed", "test_it": "unfinished"}),
        ("crashes", "error", "a segmentation fault (exit code 139) while test_fault.py::test_it was running",
         {"test_it": "unfinished"}),
        ("killed", "error", "SIGKILL, often out of memory (exit code 137) while test_fault.py::test_it was running",
         {"test_it": "unfinished"}),
        ("memory", "failed", "1 test failed", {"test_it": "failed"}),
        ("hangs", "error", "timed out after 15 s while test_fault.py::test_it was running",
         {"test_first": "passed", "test_it": "unfinished"}),
        ("loud", "failed", "1 test failed", {"test_it": "failed"}),
        ("bytes", "failed", "1 test failed", {"test_it": "failed"}),
        ("silent-server", "error", "its server was not healthy after 15 s", {}),
        ("dying-server", "error", "its server failed: the service image exited: exit code: 3", {}),
        ("no-python", "error", "the image has no python3", {}),
        ("child", "failed", "1 test failed", {"test_it": "failed"}),
    ],
)  # fmt: skip
async def test_a_fault_is_named_and_never_green(
    images: Mapping[str, ImageReport], name: str, suite: str, why: str, tests: Mapping[str, str]
) -> None:
    image = images[name]
    assert image.outcome == "tests failed"
    (found,) = image.suites
    assert found.outcome == suite
    assert why in found.why
    assert {test.name.partition("::")[2]: test.outcome.value for test in found.tests} == tests


async def test_what_passes_the_second_time_is_flaky_and_green(images: Mapping[str, ImageReport]) -> None:
    (suite,) = images["flaky"].suites
    assert images["flaky"].outcome == "built"
    assert [test.outcome for test in suite.tests] == ["flaky"]
    assert "the first time" in suite.log


async def test_a_parents_suite_may_fail_on_the_child_alone(images: Mapping[str, ImageReport]) -> None:
    assert images["parent"].outcome == "built"
    assert images["child"].suites[0].origin == "parent"


async def test_the_report_is_whole(report: RunReport) -> None:
    files = render_folder(report)
    for image in report.images:
        for suite in image.suites:
            assert files[f"logs/{image.name}/{suite.file}.log"]
            ET.fromstring(files[f"logs/{image.name}/{suite.file}.xml"])
    merged = ET.fromstring(files["junit.xml"])
    assert len(merged) == sum(len(image.suites) for image in report.images)
    green = {one.get("name") for one in merged if one.get("failures") == one.get("errors") == "0"}
    assert green == {"flaky / flaky / image", "parent / parent / image"}
    assert len(files["logs/loud/loud-image.log"]) <= 1_000_000
    assert files["exit-code"] == "1\n"
