"""Excludes the folders of suites from build contexts, so that a changed test rebuilds nothing."""

import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile

from ci.dockerfile.dockerignore import literal_pattern
from ci.dockerfile.parser import Instruction
from ci.stack.image import Image


def suite_exclusions(suite_folders: Sequence[str], context: str) -> tuple[str, ...]:
    """Return .dockerignore patterns for the folders of suites in a context ("" for the whole tree).

    `suite_folders` must be sorted.
    """
    return tuple(literal_pattern(folder) for folder in _within(suite_folders, context))


def copy_problems(image: Image, suite_folders: Sequence[str]) -> Iterator[str]:
    """Return a sentence for each COPY or ADD of an excluded suite. The engine would only say that it is not found."""
    if any(pattern.startswith("!") for pattern in image.ignore):
        return
    excluded = _within(suite_folders, "" if image.context == "." else image.context)
    for instruction in image.dockerfile.instructions:
        for source in copied_paths(instruction):
            for folder in excluded:
                if f"{source}/".startswith(f"{folder}/"):
                    yield (
                        f"{instruction.location}: {instruction.keyword} {source}: tests are excluded from the build "
                        f"context. To include them, write !{folder} in its .dockerignore."
                    )


def _within(suite_folders: Sequence[str], context: str) -> tuple[str, ...]:
    prefix = f"{context}/" if context else ""
    inner = suite_folders[bisect_left(suite_folders, prefix) :]
    return tuple(folder.removeprefix(prefix) for folder in takewhile(lambda folder: folder.startswith(prefix), inner))


def copied_paths(instruction: Instruction) -> Iterator[str]:
    """Return what a COPY or ADD copies from the build context, relative to it, patterns and variables as written."""
    if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
        # A source with a variable, a URL or a heredoc cannot equal a folder that is excluded.
        yield from (posixpath.normpath(f"/{word.lstrip('/')}").lstrip("/") for word in instruction.words[:-1])
