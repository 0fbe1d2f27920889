"""Measures how long it takes to say what is in an image.

usage: PYTHONPATH=. python benchmarks/describing.py [IMAGE ...] [--source FOLDER]

Builds images of the stack in --source (default: this repository), or takes them from the engine's cache, and prints a
line for each: the seconds of the walk and its tar in the engine, of the whole inspection when that is cached, and of
reading what came; the megabytes of the tar, of the record, and how many more the process needed for reading.
"""  # noqa: INP001 (a script, not a package)

import argparse
import os
import secrets
import sys
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import anyio
import dagger
import msgspec
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import TAR, inspect_container, with_tar
from ci.adapters.dagger_engine.source import list_tree
from ci.adapters.dagger_engine.tools import TOOLS
from ci.contents.inspection import Inspection
from ci.contents.reading import read_contents
from ci.fusion.fuse import fuse
from ci.stack.reader import read_stack
from native_engine.client import client_environment
from native_engine.native import bring_up

ROOT = Path(__file__).resolve().parents[1]
MB = 1_000_000


async def main(options: argparse.Namespace) -> None:
    """Print a line for each image."""
    print(f"{'image':<26}{'walk':>8}{'cached':>8}{'read':>8}{'tar':>10}{'record':>11}{'memory':>10}{'packages':>10}")
    async with dagger.connection(dagger.Config(log_output=None)):
        source = dag.host().directory(options.source, exclude=[".venv", ".git"])
        tree = await list_tree(source)
        stack = await tree.read_by(read_stack)
        builder = EngineBuilder(source)
        for name in options.images or [image.name for image in stack.images]:
            print(f"{name:<26}{await measure(await builder.image(fuse(stack, name)))}", flush=True)


async def measure(image: dagger.Container) -> str:
    """Return the figures of an image."""
    await image.sync()
    # A variable that no container had before: the engine has no tar of it in its cache.
    tools = await dag.container().from_(TOOLS).with_env_variable("BENCHMARK", secrets.token_hex(8)).sync()
    marks = [time.perf_counter()]
    size = await with_tar(image, tools).file(TAR).size()
    marks.append(time.perf_counter())
    first = await inspect_container(image)
    marks.append(time.perf_counter())
    found = await inspect_container(image)
    marks.append(time.perf_counter())
    if not isinstance(found, Inspection) or found != first:
        sys.exit(f"the inspection failed: {found}")
    contents = read_contents(found, image="image", digest="sha256:0")
    marks.append(time.perf_counter())
    walk, _, cached, read = (f"{end - begin:.2f} s" for begin, end in pairwise(marks))
    record = len(msgspec.json.encode(contents))
    return (
        f"{walk:>8}{cached:>8}{read:>8}{size / MB:>7.1f} MB{record / MB:>8.3f} MB{memory(found):>7.1f} MB"
        f"{len(contents.packages):>10}"
    )


def memory(found: Inspection) -> float:
    """Return the most memory in MB that reading needs at a time, beside the files."""
    tracemalloc.start()
    read_contents(found, image="image")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / MB


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*")
    parser.add_argument("--source", default=str(ROOT))
    os.environ.update(client_environment(bring_up))
    anyio.run(main, parser.parse_args())
