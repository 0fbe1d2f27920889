"""Measures plans of a source tree with many files.

usage: PYTHONPATH=. python benchmarks/large_tree.py [--files 18700] [--size 392] [--sparse 0] [--plans 10]
       [--packed] [--tar]

Writes a stack beside --files files of --size MB in all, of uneven sizes, and 20 files of --sparse MB of zeros in all,
in a git repository in a temporary folder. Prints the seconds of

- upload: the engine gets the tree for the first time, which is Dagger's own work;
- listing, keys, git: the tree is listed, the stack is read and all keys are made, and git is asked, once; with the peak
  memory of the process that does it;
- plan: `./daggerw call plan`, each time after one file was changed, so that the tree is uploaded and listed again;
- unchanged: the same again, with nothing changed.

A plan that takes more than ten minutes ends the measurement. --tar brings the tree into the engine as one file, which
needs fewer open files there than it has files (Dagger opens as many as it uploads), and makes no plans.
"""  # noqa: INP001 (a script, not a package)

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
import dagger
from dagger import dag

from ci.adapters.dagger_engine.git import read_history
from ci.adapters.dagger_engine.source import list_tree
from ci.adapters.dagger_engine.tools import TOOLS
from ci.planning.cache_key import make_keys
from ci.stack.reader import read_stack
from native_engine.client import client_environment
from native_engine.native import bring_up
from tests.large_trees import write_large_tree
from tests.unit.planning.sample_keys import PIPELINE

ROOT = Path(__file__).parents[1]
MB = 1_000_000


def main(arguments: list[str]) -> None:
    """Write the tree, measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=18_700)
    parser.add_argument("--size", type=int, default=392)
    parser.add_argument("--sparse", type=int, default=0)
    parser.add_argument("--plans", type=int, default=10)
    parser.add_argument("--packed", action="store_true", help="pack git's objects: otherwise each is one more file")
    parser.add_argument("--tar", action="store_true", help="upload one file, and make no plans")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    os.environ.update(client_environment(bring_up))
    if options.read:
        print(json.dumps(anyio.run(read, options.read)))
        return
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        root = Path(folder) / "tree"
        sizes = {"files": options.files, "size": options.size * MB, "sparse": options.sparse * MB}
        write_large_tree(root, **sizes, packed=options.packed)
        print(f"written in {time.perf_counter() - begin:.1f} s", flush=True)
        if options.tar:
            subprocess.run(["tar", "--create", "--sparse", "--file", f"{folder}/tar", "-C", str(root), "."], check=True)
        words = [sys.executable, __file__, "--read", f"{folder}/tar" if options.tar else str(root)]
        print(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip(), flush=True)
        if options.tar:
            return
        seconds = []
        for number in range(options.plans):
            (root / "images/base/number").write_text(str(number))
            seconds.append(plan(root))
        print("plan:", *(f"{one:.1f}" for one in seconds))
        print("unchanged:", *(f"{plan(root):.1f}" for _ in range(3)))


def plan(root: Path) -> float:
    """Return the seconds that a plan takes, as an operator waits for it."""
    begin = time.perf_counter()
    words = [str(ROOT / "daggerw"), "--silent", "call", "--source", str(root), "plan"]
    subprocess.run(words, check=True, capture_output=True, timeout=600)
    return time.perf_counter() - begin


async def read(path: str) -> dict[str, float]:
    """Do what a plan does with a tree; return the seconds of each step, and the peak memory in MB."""
    marks = [time.perf_counter()]
    async with dagger.connection(dagger.Config(log_output=None)):
        source = unpacked(path) if path.endswith("/tar") else dag.host().directory(path)
        before = memory()
        marks.append(time.perf_counter())
        await source.sync()
        marks.append(time.perf_counter())
        tree = await list_tree(source)
        marks.append(time.perf_counter())
        stack = await tree.read_by(read_stack)
        make_keys(stack, tree, stack.images, {}, PIPELINE)
        marks.append(time.perf_counter())
        history = await read_history(source, tree, dag.host().file("/usr/bin/git"))
        assert not history.dirty, history  # noqa: S101 (a figure of something else would mislead)
        marks.append(time.perf_counter())
    names = ("connect", "upload", "listing", "keys", "git")
    found = {name: round(end - begin, 2) for name, begin, end in zip(names, marks, marks[1:], strict=False)}
    return {**found, "MB before": before, "MB at most": memory()}


def unpacked(path: str) -> dagger.Directory:
    """Return the tree in a tar."""
    container = dag.container().from_(TOOLS).with_mounted_file("/tar", dag.host().file(path))
    return container.with_exec(["sh", "-c", "mkdir /tree && tar -xf /tar -C /tree"]).directory("/tree")


def memory() -> float:
    """Return the most memory that this process has had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB)


if __name__ == "__main__":
    main(sys.argv[1:])
