"""The workflow files, read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Workflow = Mapping[str, Any]


def read_workflow(text: str) -> Workflow:
    """Read a workflow as GitHub does: by YAML 1.2, in which `on` is a word."""
    loaded: Workflow = YAML(typ="safe").load(text)
    return loaded


def read_workflows(root: Path) -> Mapping[str, Workflow]:
    """Return the workflows of a repository by their file names."""
    folder = root / ".github/workflows"
    return {path.name: read_workflow(path.read_text()) for path in sorted(folder.iterdir())}
