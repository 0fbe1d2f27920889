"""Source trees of many files with uneven sizes, like real repositories, in a git repository with one commit."""

import os
import random
import subprocess
from pathlib import Path

from tests.e2e.stacks import write_tree

STACK = {
    "images/base/Dockerfile": "FROM debian:bookworm-slim\nCOPY . /base/\n",
    "images/child/Dockerfile": "FROM base\nRUN true\n",
    ".gitignore": "*.sparse\n",
}
_FILES_IN_FOLDER = 12
_DEEPEST = 7
_BLOCK = 1 << 20


def write_large_tree(root: Path, files: int, size: int, *, sparse: int = 0, packed: bool = False) -> Path:
    """Write a stack beside `files` files of `size` bytes in all, and 20 files of `sparse` bytes of zeros in all.

    Git has a file of its own for each of them, unless its objects are `packed`.
    """
    # Of a Pareto distribution: most files are small, and a few make most of the bytes.
    numbers = random.Random(files)  # noqa: S311 (no secret)
    shares = [numbers.paretovariate(0.8) for _ in range(files)]
    scale = size / sum(shares)
    block = numbers.randbytes(_BLOCK)
    folders = [root]
    for number, share in enumerate(shares):
        if number % _FILES_IN_FOLDER == 0:
            above = numbers.choice(folders[-400:])
            above = above if len(above.relative_to(root).parts) < _DEEPEST else root
            folders.append(above / f"folder{number}")
            folders[-1].mkdir(parents=True)
        with (folders[-1] / f"file{number}.txt").open("wb") as file:
            file.write(b"%d\n" % number)
            left = int(share * scale)
            for start in range(0, left, _BLOCK):
                file.write(block[: min(left - start, _BLOCK)])
    for number in range(20 if sparse else 0):
        with (folders[number] / f"{number}.sparse").open("wb") as file:
            file.truncate(sparse // 20)
    write_tree(root, STACK)
    _commit(root)
    if packed:
        subprocess.run(["git", "gc", "--quiet"], cwd=root, check=True)
    return root


def _commit(root: Path) -> None:
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    # Nothing goes on in the background.
    quiet = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*quiet, "commit", "--quiet", "--message", "m")):
        subprocess.run(["git", *words], cwd=root, check=True, env={**os.environ, **who})
