"""Kernels and Jupyter's commands, from inside."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import run_kernel
from nbclient import NotebookClient

SECONDS = 60


def test_python_is_a_kernel() -> None:
    assert "python3" in KernelSpecManager().find_kernel_specs()


def test_a_kernel_runs_code() -> None:
    with run_kernel(kernel_name="python3") as client:
        reply = client.execute_interactive("print(6 * 7)", timeout=SECONDS)
    assert reply["content"]["status"] == "ok"


def test_a_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")])
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert notebook.cells[0].outputs[0].text == "42\n"


@pytest.mark.parametrize(
    ("name", "major"), [("jupyter-lab", "4"), ("jupyter-notebook", "7"), ("jupyterhub-singleuser", "")]
)
def test_jupyters_commands_tell_their_version(name: str, major: str) -> None:
    told = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
    assert told.strip().startswith(major)


@pytest.mark.parametrize("name", ["jupyterlab", "notebook", "nbgitpuller"])
def test_extensions_are_enabled(name: str) -> None:
    listed = subprocess.run(["jupyter", "server", "extension", "list"], capture_output=True, text=True, check=True)
    words = re.sub(r"\x1b\[[\d;]*m", "", listed.stdout + listed.stderr).split()
    assert f"{name} enabled" in " ".join(words)


def test_the_news_pop_up_is_off() -> None:
    settings = json.loads(Path("/opt/venv/share/jupyter/lab/settings/overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
