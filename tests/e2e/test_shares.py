"""A stack that two machines publish one after the other, as ./daggerw does it, is what one machine publishes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import IMAGES, Operator, new_operator
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import DebianRegistry

TRUNK = {"name": "trunk-1", "images": ["base"], "needs": [], "seconds": 60.0}
BRANCH = {"name": "branch-1", "images": ["ds", "ml", "r"], "needs": ["base"], "seconds": 60.0}


@pytest.fixture
def operator(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Operator:
    return new_operator(tmp_path, call, debian, bridge)


class Kept:
    """What machines leave in a folder."""

    def __init__(self, operator: Operator, folder: Path) -> None:
        self._operator = operator
        self.folder = folder

    def divide(self) -> None:
        """Divide the stack in two: by itself, so small a stack is one machine's work."""
        assert self._operator.run("divide", "-o", str(self.folder / "shares")).returncode == 0, self._operator.errors
        assert (self.folder / "shares/outputs").read_text() == 'trunk=["trunk-1"]\nbranches=[]\n'
        assert "One machine builds 4 images" in (self.folder / "shares/summary.md").read_text()
        file = self.folder / "shares/shares.json"
        shares = json.loads(file.read_text())
        shares["division"] |= {"trunk": [TRUNK], "branches": [BRANCH]}
        file.write_text(json.dumps(shares))

    def build(self, share: str, attempt: str = "") -> Mapping[str, str]:
        """Build a share; return the outcomes of its images."""
        words = ["--shares", str(self.folder / "shares/shares.json"), "--share", share]
        target = self.folder / f"{share}{attempt}"
        assert self._operator.run("build-share", *words, "-o", str(target)).returncode == 0, self._operator.errors
        return outcomes(target)

    def gather(self, target: Path) -> Mapping[str, str]:
        words = ["--kept", str(self.folder), "-o", str(target)]
        assert self._operator.run("gather", *words).returncode == 0, self._operator.errors
        return outcomes(target)


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def outcomes(folder: Path) -> Mapping[str, str]:
    return {image["name"]: image["outcome"] for image in report(folder)["images"]}


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """Return what the table of a report says, but for seconds and sizes.

    `du` counts folders, too, whose sizes are those of the file system: of an image on a parent that was pulled, 8 kB
    less.
    """
    found = report(folder)
    reasons = {image["name"]: (image["action"], image["reason"], image["key"]) for image in found["plan"]["images"]}
    return [
        (image["name"], image["outcome"], image["versions"], suites(image), reasons[image["name"]])
        for image in found["images"]
    ]


def suites(image: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (suite["folder"], suite["outcome"], [test["outcome"] for test in suite["tests"]]) for suite in image["suites"]
    ]


def names(tags: Mapping[str, Mapping[str, str]]) -> Mapping[str, list[str]]:
    return {image: sorted(tag for tag in own if not tag.startswith("sha256-")) for image, own in tags.items()}


def test_two_machines_publish_what_one_does(operator: Operator, tmp_path: Path) -> None:
    kept = Kept(operator, tmp_path / "kept")
    kept.divide()
    assert kept.build("branch-1") == dict.fromkeys(("ds", "ml", "r"), "blocked")
    assert kept.gather(tmp_path / "early") == {"base": "missing", **dict.fromkeys(("ds", "ml", "r"), "blocked")}
    assert (tmp_path / "early/exit-code").read_text() == "1\n"
    assert "base is built by trunk-1 and is not in the registry" in (tmp_path / "early/summary.md").read_text()
    assert operator.stack(operator.tag) == {}

    assert kept.build("trunk-1") == {"base": "built"}
    assert kept.build("branch-1", "-again") == {"base": "reused", **dict.fromkeys(("ds", "ml", "r"), "built")}
    assert operator.stack(operator.tag) == {}
    assert kept.gather(tmp_path / "whole") == dict.fromkeys(IMAGES, "built")
    assert (tmp_path / "whole/exit-code").read_text() == "0\n"
    assert (tmp_path / "whole/logs/ml/base-image.log").read_text()
    assert set(operator.stack(operator.tag)) == set(IMAGES)
    shared = names(operator.tags())

    operator.name += "-alone"
    target = tmp_path / "alone"
    assert operator.run("build-report", "--publish", "-o", str(target)).returncode == 0, operator.errors
    assert names(operator.tags()) == shared
    assert rows(tmp_path / "whole") == rows(target)
