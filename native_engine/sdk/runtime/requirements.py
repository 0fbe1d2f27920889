"""Prints the dependencies of a pyproject.toml, one a line: all that the layer with them depends on.

usage: requirements.py PYPROJECT
"""  # noqa: INP001 (a script in the module's container, part of no package)

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).get("project", {})
sys.stdout.writelines(f"{requirement}\n" for requirement in project.get("dependencies", []))
