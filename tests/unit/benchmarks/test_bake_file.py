"""The stack as a file for bake: what benchmarks/against_bake.py gives it."""

from pathlib import Path

from benchmarks.bake import bake_file
from ci.stack.reader import read_stack
from tests.folder_tree import FolderTree

ROOT = Path(__file__).resolve().parents[3]


def test_an_image_built_on_another_one_is_linked_to_its_target() -> None:
    stack = read_stack(FolderTree(ROOT))

    file = bake_file(stack, ROOT, "localhost:1/bake", "type=cacheonly")

    targets = file["target"]
    assert isinstance(targets, dict)
    assert file["group"] == {"all": {"targets": [image.name for image in stack.images]}}
    assert {name: (target["args"], target["contexts"]) for name, target in targets.items()} == {
        "datahub-base-notebook": ({}, {}),
        "datascience-notebook": ({"BASE": "parent"}, {"parent": "target:datahub-base-notebook"}),
        "r-notebook": ({"BASE": "parent"}, {"parent": "target:datahub-base-notebook"}),
        "scipy-ml-notebook": ({"BASE": "parent"}, {"parent": "target:datascience-notebook"}),
    }


def test_each_target_is_built_from_the_folder_of_its_image() -> None:
    stack = read_stack(FolderTree(ROOT))

    targets = bake_file(stack, ROOT, "localhost:1/bake", "type=cacheonly")["target"]

    assert isinstance(targets, dict)
    for name, target in targets.items():
        assert (Path(target["context"]) / "Dockerfile").is_file()
        assert (target["tags"], target["output"]) == ([f"localhost:1/bake/{name}:latest"], ["type=cacheonly"])
