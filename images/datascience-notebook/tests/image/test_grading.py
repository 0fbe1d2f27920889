"""Graders, and export to PDF."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command; what it said is in the failure."""
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def solution() -> NotebookNode:
    """Return an assignment of one task with a hidden solution, as nbgrader wants it written."""
    cell = nbformat.v4.new_code_cell("def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION")
    graded = {"grade": False, "grade_id": "task", "locked": False, "schema_version": 3, "solution": True, "task": False}
    cell.metadata["nbgrader"] = graded
    return nbformat.v4.new_notebook(cells=[cell])


def test_nbgrader_makes_an_assignment_without_its_solution(tmp_path: Path) -> None:
    source = tmp_path / "source" / "first"
    source.mkdir(parents=True)
    nbformat.write(solution(), source / "task.ipynb")
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'probe'\n")
    run("nbgrader", "generate_assignment", "first", "--create", cwd=tmp_path)
    released = (tmp_path / "release" / "first" / "task.ipynb").read_text()
    assert "YOUR CODE HERE" in released
    assert "return 2 * x" not in released


@pytest.mark.parametrize("name", ["nbgrader", "otter"])
def test_graders_tell_their_version(name: str, tmp_path: Path) -> None:
    assert any(part.isdigit() for part in run(name, "--version", cwd=tmp_path).stdout)


def test_a_notebook_becomes_a_pdf(tmp_path: Path) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\nUmlaut ü and $\\sqrt{x}$"),
        nbformat.v4.new_code_cell("print(1)"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "paper.ipynb")
    run("jupyter", "nbconvert", "--to", "pdf", "paper.ipynb", cwd=tmp_path)
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
