"""Measures the overhead of one `dagger call` of a small Python module.

usage: python benchmarks/call_overhead.py [--runs 7] [--command ./daggerw]

Writes a module with the project's dependencies into a temporary repository, calls it once to fill the cache, and prints
median and range, in seconds, of three kinds of call: with nothing changed; after a change of a file outside the module
(its constructor runs again); after a change of the module's code (its types are registered again).
"""  # noqa: INP001 (a script, not a package)

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE = '''\
"""A module that does next to nothing."""

from typing import Annotated

import dagger
from dagger import DefaultPath, function, object_type


@object_type
class Probe:
    source: Annotated[dagger.Directory, DefaultPath("/")]

    @function(cache="never")
    async def plan(self) -> str:
        """List what the repository holds."""
        return ", ".join(await self.source.entries())
'''
DAGGER_JSON = '{"name": "probe", "engineVersion": "%s", "sdk": {"source": "python"}, "include": ["!data"]}\n'
PYPROJECT = """\
[project]
name = "probe"
version = "0"
requires-python = ">=3.11"
dependencies = %r

[project.entry-points."dagger.mod"]
main_object = "probe.module:Probe"
"""


def write_module(folder: Path) -> None:
    """Write a repository with a module that has the dependencies and the engine version of this project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = (ROOT / "dagger.json").read_text(encoding="utf-8").partition('"engineVersion": "')[2].partition('"')[0]
    files = {
        "dagger.json": DAGGER_JSON % version,
        "pyproject.toml": PYPROJECT % project["dependencies"],
        "probe/__init__.py": "",
        "probe/module.py": MODULE,
        "data/file": "",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", folder], check=True)


def seconds_of_call(command: str, folder: Path) -> float:
    """Call the module's function and return the seconds; exit with the output of a call that fails."""
    begin = time.monotonic()
    done = subprocess.run([command, "call", "plan"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} call plan failed with exit code {done.returncode}:\n{done.stderr}")
    return time.monotonic() - begin


def main() -> None:
    """Print a line for each kind of call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--command", default=str(ROOT / "daggerw"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_module(folder)

        def append(name: str) -> Callable[[], None]:
            def write() -> None:
                with (folder / name).open("a", encoding="utf-8") as file:
                    file.write(f"# {time.time_ns()}\n")

            return write

        kinds = {
            "unchanged": lambda: None,
            "a file outside the module changed": append("data/file"),
            "the module's code changed": append("probe/module.py"),
        }
        sys.stdout.write(f"first call         {seconds_of_call(options.command, folder):>22.2f} s\n")
        for name, change in kinds.items():
            seconds = []
            for _ in range(options.runs):
                change()
                seconds.append(seconds_of_call(options.command, folder))
            sys.stdout.write(
                f"{name:<34}{statistics.median(seconds):>7.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})\n"
            )


if __name__ == "__main__":
    main()
