"""A small stack, and its keys when something of it is another."""

from collections.abc import Mapping

from ci.planning.cache_key import ImageKey, make_keys
from ci.planning.pipeline import Pipeline
from ci.stack.model import EntryKind
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

Files = dict[str, str]
Kinds = dict[str, EntryKind]

TOML = "images/stack.toml"
CI = '[stack]\nrebuild-all = ["ci"]\n'
FILES = {
    "ci/module.py": "pass",
    "images/base/Dockerfile": "FROM debian:12\nCOPY . /base/\n",
    "images/base/.dockerignore": "*.md\n!keep.md\nscratch/**\n!scratch/kept\n",
    "images/base/a/tool": "1",
    "images/base/keep.md": "kept",
    "images/base/read.md": "ignored",
    "images/base/scratch/kept": "1",
    "images/base/scratch/x": "ignored",
    "images/base/tests/image/test_base.py": "",
    "images/base/tests/gpu/test_gpu.py": "",
    "images/fonts/Dockerfile": "FROM scratch\nCOPY font /f\n",
    "images/fonts/font": "1",
    "images/ds/Dockerfile": "FROM base\nARG V=1\nCOPY --from=fonts /f /f\nCOPY --from=uv:0.9 /uv /uv\n",
    "images/ds/tests/image/test_ds.py": "",
    "images/other/Dockerfile": "FROM base\n",
    "images/other/tests/image/test_other.py": "",
    "images/tests_common/image/test_all.py": "",
    TOML: CI,
}
KINDS: Kinds = {"images/base/empty": EntryKind.FOLDER}
PIPELINE = Pipeline(image_code="i", suite_code="s", engine="v1")
BASES = {"debian:12": "sha256:d", "uv:0.9": "sha256:u"}


def keys(
    files: Mapping[str, str] = FILES,
    kinds: Mapping[str, EntryKind] = KINDS,
    bases: Mapping[str, str | None] = BASES,
    platform: str = "linux/amd64",
    pipeline: Pipeline = PIPELINE,
) -> Mapping[str, ImageKey]:
    tree = MemoryTree(files, kinds)
    stack = read_stack(tree, platform=platform)
    return make_keys(stack, tree, stack.images, bases, pipeline)


def changed(before: Mapping[str, ImageKey], after: Mapping[str, ImageKey], field: str = "key") -> set[str]:
    return {name for name in before if getattr(before[name], field) != getattr(after[name], field)}


def files(**changes: str | None) -> Files:
    """Return the files with other texts, by path; None takes one away."""
    new = FILES | {path: text for path, text in changes.items() if text is not None}
    return {path: text for path, text in new.items() if changes.get(path, "") is not None}


ALL = {"base", "ds", "fonts", "other"}
ON_BASE = {"base", "ds", "other"}
