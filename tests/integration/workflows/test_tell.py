""".ci/tell: a report is shown on GitHub, and nothing that is in it becomes a command."""

import os
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from ci.reports.folder import render_folder
from ci.results import Failure, ImageReport, Outcome, RunReport
from tests.integration.workflows.act_log import commands_in
from tests.integration.workflows.harness import ROOT
from tests.unit.reports.runs import RED, green

LARGEST_SUMMARY = 1024 * 1024  # bytes; GitHub drops a larger one
HOSTILE = (
    "first%0A::stop-commands::x\n::set-output name=a::b\n::add-mask::e\n##[add-path]/tmp\n```\n</details>\r::error::y\n"
    + "é" * 1_000_000
)


def write(folder: Path, report: RunReport) -> Path:
    for name in ("annotations.txt", "summary.md", "exit-code"):
        (folder / name).write_text(render_folder(report)[name])
    return folder


def tell(folder: Path) -> tuple[int, str, str]:
    """Return the exit code, what was printed and the summary of the step."""
    summary = folder.parent / "step-summary.md"
    summary.write_text("before\n")
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run([ROOT / ".ci/tell", folder], env=environment, capture_output=True, check=False)
    assert done.stderr == b""
    return done.returncode, done.stdout.decode(), summary.read_text().removeprefix("before\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report").mkdir()
    return tmp_path / "report"


@pytest.mark.parametrize("report", [RED, green()], ids=["red", "green"])
def test_a_report_is_shown_and_its_exit_code_is_that_of_the_step(folder: Path, report: RunReport) -> None:
    files = render_folder(report)
    assert tell(write(folder, report)) == (report.exit_code, files["annotations.txt"], files["summary.md"])


@pytest.mark.parametrize("name", ["annotations.txt", "summary.md", "exit-code"])
def test_a_report_that_is_not_whole_is_an_error(folder: Path, name: str) -> None:
    (write(folder, green()) / name).unlink()
    code, printed, _ = tell(folder)
    assert code == 1
    assert printed.startswith(f"::error title=no report::{folder}/{name} does not exist")


@pytest.mark.parametrize(("text", "expected"), [("0\n", 0), ("7\n", 7), ("255", 255)])
def test_exit_codes(folder: Path, text: str, expected: int) -> None:
    (write(folder, green()) / "exit-code").write_text(text)
    assert tell(folder)[0] == expected


@pytest.mark.parametrize("text", ["", "x\n", "-1\n", "256\n", "0\n0\n", "1; true\n", "00000"])
def test_what_is_no_exit_code_is_an_error(folder: Path, text: str) -> None:
    (write(folder, green()) / "exit-code").write_text(text)
    code, printed, _ = tell(folder)
    assert code == 1
    assert "exit-code is not a number from 0 to 255" in printed


def test_only_annotations_are_printed(folder: Path) -> None:
    """Even if a file has something else."""
    lines = ("::error title=a::b", "::stop-commands::x", "::add-mask::e", "text", " ::error::c", "::notice title=d::e")
    (write(folder, green()) / "annotations.txt").write_text("\n".join(lines))
    assert tell(folder)[1].splitlines() == ["::error title=a::b", "::notice title=d::e"]


def test_hostile_texts_stay_texts(folder: Path) -> None:
    failure = Failure(path="images/r/Dockerfile", line=3, instruction=HOSTILE, message=HOSTILE)
    images = tuple(ImageReport(name=f"r{n}", outcome=Outcome.FAILED, failure=failure) for n in range(30))
    code, printed, summary = tell(write(folder, replace(RED, images=(*RED.images, *images))))
    assert code == 1
    assert all(line.startswith("::error ") for line in printed.splitlines())
    assert {command.name for command in commands_in(printed)} == {"error"}
    assert any("::stop-commands::x" in command.message for command in commands_in(printed))
    assert len(summary.encode()) < LARGEST_SUMMARY
