"""The project is an ordinary Python package, as Dagger's official Python runtime expects it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What the official runtime does with the installed package, in a process of its own: find the entry point, load it,
# and ask the main object for its functions. The templates of the page have to be installed, too.
LOAD = """
import json
from dagger.mod import cli
module = cli.load_module()
main = module.get_object("Datahub")
from ci.reports.html.environment import make_environment
make_environment().get_template("page.html.jinja")
print(json.dumps(sorted(main.functions)))
"""


def test_pip_installs_it_and_the_entry_point_loads(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT], check=True)
    loaded = subprocess.run([python, "-c", LOAD], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert {"plan", "build_stack", "build_report", "image"} <= set(json.loads(loaded.stdout))


def test_the_module_is_named_as_its_main_object() -> None:
    module = json.loads((ROOT / "dagger.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert module["sdk"] == {"source": "python"}
    _, _, main_object = project["entry-points"]["dagger.mod"]["main_object"].partition(":")
    assert main_object == module["name"].title()
    # The official runtime makes the tag of its base image of what stands behind `>=`.
    assert project["requires-python"] == ">=3.11"
