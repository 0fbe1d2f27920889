"""Trees with the structure of public stacks: refused or noted, then planned right with the lines that were printed."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from ci.errors import SpecError
from ci.stack.image_files import Files
from ci.stack.init import suggest_settings
from ci.stack.model import EntryKind
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

Texts = Mapping[str, str]
_SNIPPET = re.compile(r"^ {6}(\[dockerfiles\]\n(?: {6}.*\n?)+)", re.MULTILINE)


class Kind(NamedTuple):
    """A tree, and the images that each image depends on once it is read right."""

    files: Texts
    needs: Mapping[str, set[str]]
    by_default: Mapping[str, set[str]] | None = None
    """What it is without a line, if that is right, too."""


KINDS = {
    "a suffix of the file": Kind(
        {"base/Dockerfile.cpu": "FROM debian\n", "ml/Dockerfile.cpu": "FROM org/base\n"},
        {"base": set(), "ml": {"base"}},
    ),
    "several suffixes in a folder": Kind(
        {
            "nb/Dockerfile.cpu": "FROM debian\n",
            "nb/Dockerfile.cuda": "FROM cuda\n",
            "ml/Dockerfile.cpu": "FROM debian\n",
        },
        {"nb-cpu": set(), "nb-cuda": set(), "ml-cpu": set()},
    ),
    "a prefix of the file": Kind(
        {"dockerfiles/base.Dockerfile": "FROM debian\n", "dockerfiles/ml.Dockerfile": "FROM base:1\n"},
        {"base": set(), "ml": {"base"}},
    ),
    "a name and a version in the file": Kind(
        {
            "dockerfiles/r-ver_4.5.Dockerfile": "FROM ubuntu\n",
            "dockerfiles/r-ver_4.6.Dockerfile": "FROM ubuntu\n",
            "dockerfiles/verse_4.6.Dockerfile": "FROM rocker/r-ver:4.6\n",
        },
        {"r-ver-4.5": set(), "r-ver-4.6": set(), "verse_4.6": {"r-ver-4.6"}},
    ),
    "Containerfile": Kind(
        {"base/Containerfile": "FROM debian\n", "ml/Containerfile": "FROM base\n"}, {"base": set(), "ml": {"base"}}
    ),
    "a hidden folder": Kind(
        {"src/base/.devcontainer/Dockerfile": "FROM debian\n", "src/go/.devcontainer/Dockerfile": "FROM x/base\n"},
        {"base": set(), "go": {"base"}},
    ),
    "two folders with one name": Kind(
        {"3.12/bookworm/Dockerfile": "FROM debian\n", "3.13/bookworm/Dockerfile": "FROM debian\n"},
        {"3.12-bookworm": set(), "3.13-bookworm": set()},
    ),
    "upper case": Kind(
        {
            "Base/Dockerfile": "FROM debian\n",
            "NodeBase/Dockerfile": "FROM o/base\n",
            "NodeChrome/Dockerfile": "FROM o/node-base\n",
        },
        {"base": set(), "node-base": {"base"}, "node-chrome": {"node-base"}},
    ),
    "other letters": Kind(
        {"torch+llm/Dockerfile": "FROM debian\n", "torch/Dockerfile": "FROM debian\n"},
        {"torch": set(), "torch-llm": set()},
    ),
    "one repository, other tags": Kind(
        {
            "4.0.0/java17/Dockerfile": "FROM temurin\n",
            "4.0.0/java17-python3/Dockerfile": "FROM spark:4.0.0-java17\n",
            "4.1.0/java17/Dockerfile": "FROM temurin\n",
            "4.1.0/java17-python3/Dockerfile": "FROM spark:4.1.0-java17\n",
        },
        {
            "spark-4.0.0-java17": set(),
            "spark-4.0.0-java17-python3": {"spark-4.0.0-java17"},
            "spark-4.1.0-java17": set(),
            "spark-4.1.0-java17-python3": {"spark-4.1.0-java17"},
        },
    ),
    "versions with more parts than folders": Kind(
        {
            "3.12/Dockerfile": "FROM debian\n",
            "3.13/Dockerfile": "FROM debian\n",
            "3.12/node/Dockerfile": "FROM cimg/python:3.12.9\n",
            "3.13/node/Dockerfile": "FROM cimg/python:3.13.15\n",
            "3.12/browsers/Dockerfile": "FROM cimg/python:3.12.9-node\n",
            "3.13/browsers/Dockerfile": "FROM cimg/python:3.13.15-node\n",
        },
        {
            "python-3.12": set(),
            "python-3.13": set(),
            "python-3.12-node": {"python-3.12"},
            "python-3.13-node": {"python-3.13"},
            "python-3.12-browsers": {"python-3.12-node"},
            "python-3.13-browsers": {"python-3.13-node"},
        },
    ),
    "published under a prefix": Kind(
        {
            "base/Dockerfile": "FROM debian\n",
            "r/Dockerfile": "FROM i/onyxia-base\n",
            "shiny/Dockerfile": "FROM i/onyxia-r\n",
        },
        {"onyxia-base": set(), "onyxia-r": {"onyxia-base"}, "onyxia-shiny": {"onyxia-r"}},
    ),
    "the root": Kind({"Dockerfile": "FROM debian\n", "README.md": ""}, {"image": set()}),
    "a linked folder": Kind(
        {
            "images/base": "../shared/base",
            "images/ml/Dockerfile": "FROM base\n",
            "shared/base/Dockerfile": "FROM debian\n",
        },
        {"base": set(), "ml": {"base"}},
    ),
    "the tests of images": Kind(
        {"tests/images/base/Dockerfile": "FROM debian\n", "tests/images/ml/Dockerfile": "FROM base\n"},
        {"base": set(), "ml": {"base"}},
    ),
    "another folder than images": Kind(
        {"images/logo.png": "", "docker/base/Dockerfile": "FROM debian\n", "docker/ml/Dockerfile": "FROM base\n"},
        {"base": set(), "ml": {"base"}},
    ),
    "a variant below its image": Kind(
        {
            "images/base/Dockerfile": "FROM debian\n",
            "images/torch/Dockerfile": "FROM base\n",
            "images/torch/cuda12/Dockerfile": "FROM base\n",
            "images/torch/cuda13/Dockerfile": "FROM base\n",
        },
        {"base": set(), "torch": {"base"}, "torch-cuda12": {"base"}, "torch-cuda13": {"base"}},
        {"base": set(), "torch": {"base"}, "cuda12": {"base"}, "cuda13": {"base"}},
    ),
}


def tree(files: Texts) -> MemoryTree:
    """Return a tree in which what is no file of a known name is a link to a folder."""
    links = [path for path, text in files.items() if text.startswith("../")]
    return MemoryTree(files, dict.fromkeys(links, EntryKind.LINK))


def read_with(files: Texts, settings: str) -> Mapping[str, set[str]]:
    path = Files(tree(files), "").settings_path
    stack = read_stack(tree({**files, path: settings}))
    assert stack.warnings == ()
    return {image.name: set(image.needs) for image in stack.images}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_init_prints_reads_the_tree_right(kind: Kind) -> None:
    settings = suggest_settings(tree(kind.files))
    assert read_with(kind.files, settings) == kind.needs


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_plan_prints_reads_the_tree_right(kind: Kind) -> None:
    """Nothing is passed over: a tree that is not read right is refused or noted, with lines that read it right."""
    try:
        stack = read_stack(tree(kind.files))
    except SpecError as error:
        printed = str(error)
    else:
        found = {image.name: set(image.needs) for image in stack.images}
        if not stack.warnings:
            assert found == (kind.by_default or kind.needs)
            return
        printed = "\n".join(stack.warnings)
    snippet = _SNIPPET.search(printed)
    assert snippet, printed
    assert read_with(kind.files, "\n".join(map(str.strip, snippet[1].splitlines()))) == kind.needs
