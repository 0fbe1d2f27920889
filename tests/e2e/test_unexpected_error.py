"""A mistake in the adapter, planted for one image: exit 1, a whole report, and everything else built and tested."""

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import EngineInspector
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.adapters.dagger_engine.tester import EngineTester
from ci.build.engine_failure import EngineFailure
from ci.build.ports import RunPorts
from ci.build.runner import Run
from ci.build.tasks import BuildRun
from ci.fusion.fused import Fused
from ci.planning.plan import make_plan
from ci.reports.folder import render_folder
from ci.reports.text import render_run
from ci.stack.reader import read_stack
from tests.e2e.stacks import write_tree
from tests.folder_tree import FolderTree

pytestmark = pytest.mark.anyio
SUITE = "def test_it(): ...\n"
PYTHON = "RUN apt-get update && apt-get install --yes --no-install-recommends python3\n"
FILES = {
    "images/base/Dockerfile": f"FROM debian:bookworm-slim\n{PYTHON}",
    "images/base/tests/image/test_base.py": SUITE,
    "images/broken/Dockerfile": "FROM base\nRUN true\n",
    "images/other/Dockerfile": "FROM base\nRUN true\n",
}


class BrokenBuilder(EngineBuilder):
    async def finish(self, fused: Fused) -> int | EngineFailure:
        if fused.stages[-1].image == "broken":
            raise ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("Expecting value: line 1")])
        return await super().finish(fused)


async def test_the_report_is_whole_and_the_others_are_tested(
    session: None,  # noqa: ARG001 (it must be open)
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = write_tree(tmp_path_factory.mktemp("broken"), FILES)
    stack = read_stack(FolderTree(folder))
    plan = make_plan(stack)
    source: dagger.Directory = dag.host().directory(str(folder))
    builder = BrokenBuilder(source)
    run = BuildRun(jobs=4, started="2026-01-01T00:00:00+00:00", tested=plan.to_build)
    ports = RunPorts(builder, EngineTester(source, builder), EngineInspector(builder), TelemetryProgress())
    report = await Run(plan, stack, ports, run).report()
    assert report.exit_code == 1
    assert {image.name: image.outcome.value for image in report.images} == {
        "base": "built",
        "broken": "failed",
        "other": "built",
    }
    assert all(suite.outcome.value == "passed" for name in ("base", "other") for suite in report.by_name[name].suites)
    text, files = render_run(report), render_folder(report)
    assert "an unexpected error (ValueError: Expecting value: line 1)" in text
    assert "TaskGroup" not in text
    assert "Traceback" not in text
    assert "ValueError: Expecting value: line 1" in files["logs/broken/build.log"]
    assert "Traceback" in files["logs/broken/build.log"]
    assert {"report.json", "junit.xml", "logs/other/base-image.xml"} <= set(files)
