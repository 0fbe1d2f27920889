"""A tree on which `Directory.export` stood still in four of four plans (dagger#6355, buildkit#2950)."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.large_trees import write_large_tree


@pytest.mark.timeout(300)
def test_plans_of_a_large_tree_do_not_stand_still(call: Call, tmp_path: Path) -> None:
    root = write_large_tree(tmp_path / "tree", files=6000, size=120_000_000)
    keys = []
    for number in range(3):
        done = call("--source", root, "plan", "--as-json")
        assert done.returncode == 0, done.stderr
        keys.append([image["key"] for image in json.loads(done.stdout)["images"]])
        (root / "images/base/number").write_text(str(number))
    assert len({key for plan in keys for key in plan}) == 6
