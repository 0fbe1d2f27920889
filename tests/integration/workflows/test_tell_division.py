""".ci/tell-division and .ci/tell-text: what they hand on, and that nothing in it becomes a command or an output."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.workflows.harness import ROOT

LARGEST_SUMMARY = 1024 * 1024  # bytes; GitHub drops a larger one
OUTPUTS = 'trunk=["trunk-1"]\nbranches=["branch-1","branch-2"]\n'


class Told(NamedTuple):
    """What a script left: its exit code, and what it printed, wrote into the summary and gave to other jobs."""

    code: int
    printed: str
    summary: str
    outputs: str


def run(folder: Path, script: str, *words: str, given: str = "") -> Told:
    files = {"GITHUB_STEP_SUMMARY": folder / "step-summary", "GITHUB_OUTPUT": folder / "step-outputs"}
    for file in files.values():
        file.write_text("")
    environment = {**os.environ, **{name: str(file) for name, file in files.items()}}
    command = [str(ROOT / ".ci" / script), *words]
    done = subprocess.run(command, env=environment, input=given.encode(), capture_output=True, check=False)
    assert done.stderr == b""
    return Told(done.returncode, done.stdout.decode(), *(file.read_text() for file in files.values()))


def write(folder: Path, outputs: str = OUTPUTS) -> Path:
    division = folder / "division"
    division.mkdir()
    for name, text in (("shares.json", "{}"), ("outputs", outputs), ("summary.md", "## 4 images\n")):
        (division / name).write_text(text)
    return division


def test_the_shares_are_handed_on_and_shown(tmp_path: Path) -> None:
    assert run(tmp_path, "tell-division", str(write(tmp_path))) == Told(0, "", "## 4 images\n", OUTPUTS)


@pytest.mark.parametrize("name", ["shares.json", "outputs", "summary.md"])
def test_a_division_that_is_not_whole_is_an_error(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    (folder / name).unlink()
    told = run(tmp_path, "tell-division", str(folder))
    assert (told.code, told.outputs) == (1, "")
    assert told.printed.startswith(f"::error title=not divided::{folder}/{name} does not exist")


@pytest.mark.parametrize("line", ['trunk=["a;b"]', 'trunk=["a","]', "trunk=a", 'trunk=["a"] # b', 'trunk=["a",]', ""])
def test_whatever_is_no_list_of_names_is_an_error(tmp_path: Path, line: str) -> None:
    told = run(tmp_path, "tell-division", str(write(tmp_path, f"{line}\nbranches=[]\n")))
    assert (told.code, told.outputs) == (1, "")
    assert "no line with the shares of trunk" in told.printed


def test_other_lines_are_no_outputs(tmp_path: Path) -> None:
    told = run(tmp_path, "tell-division", str(write(tmp_path, f"name=value\n{OUTPUTS}more<<EOF\n")))
    assert told == Told(0, "", "## 4 images\n", OUTPUTS)


@pytest.mark.parametrize(("number", "code"), [(256, 0), (257, 1)])
def test_a_matrix_has_256_jobs_at_most(tmp_path: Path, number: int, code: int) -> None:
    names = ",".join(f'"branch-{one}"' for one in range(number))
    told = run(tmp_path, "tell-division", str(write(tmp_path, f"trunk=[]\nbranches=[{names}]\n")))
    assert told.code == code
    assert ("::error title=too many machines::" in told.printed) == bool(code)


def test_a_text_is_printed_and_shown_as_code(tmp_path: Path) -> None:
    told = run(tmp_path, "tell-text", given="one\n```\n</details>\n\nlast\n")
    assert told.printed == "one\n```\n</details>\n\nlast\n"
    assert told.summary == "\n    one\n    ```\n    </details>\n    \n    last\n\n"


def test_of_a_long_text_the_summary_has_the_beginning(tmp_path: Path) -> None:
    text = "é" * 1_000_000
    told = run(tmp_path, "tell-text", given=text)
    assert told.printed == f"{text}\n"
    assert len(told.summary.encode()) < LARGEST_SUMMARY
    assert "The rest is left out" in told.summary


def test_without_a_text_there_is_no_block(tmp_path: Path) -> None:
    assert run(tmp_path, "tell-text") == Told(0, "", "", "")
