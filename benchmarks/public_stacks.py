"""Reads public repositories as stacks, each with the stack.toml that `init` prints for it.

usage: PYTHONPATH=. python benchmarks/public_stacks.py FOLDER ...

Each folder is a checkout of a repository. Prints for each the seconds that reading it takes, images, edges,
the lines of stack.toml without comments, and what is left to do: problems, or warnings.
"""  # noqa: INP001 (a script, not a package)

import sys
import time
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from ci.errors import SpecError
from ci.stack.image_files import Files
from ci.stack.init import WithFile, suggest_settings
from ci.stack.reader import read_stack
from tests.folder_tree import FolderTree

_SHOWN = 110


class Row(NamedTuple):
    """What came of one repository."""

    repository: str
    images: int = 0
    edges: int = 0
    lines: int = 0
    seconds: float = 0
    left: str = ""


def main(folders: list[str]) -> None:
    """Print a row for each folder."""
    print(tabulate([read(Path(folder)) for folder in folders], headers=Row._fields, floatfmt=".2f", maxcolwidths=60))


def read(folder: Path) -> Row:
    """Read one repository."""
    tree = FolderTree(folder)
    started = time.monotonic()
    try:
        text = suggest_settings(tree)
        stack = read_stack(WithFile(tree, Files(tree, "").settings_path, text))
    except SpecError as error:
        return Row(
            folder.name, lines=0, seconds=time.monotonic() - started, left=f"{len(error.problems)}: {error}"[:_SHOWN]
        )
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return Row(
        folder.name,
        len(stack.images),
        sum(len(image.needs) for image in stack.images),
        len(lines),
        time.monotonic() - started,
        f"{len(stack.warnings)} warnings: {stack.warnings[0]}"[:_SHOWN] if stack.warnings else "",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
