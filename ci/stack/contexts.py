"""What of a folder is the build context of an image: all but what is ignored, and the suites.

A test that is edited must not have an image built anew, and `COPY . /here` must not take tests into an image. So the
folders of suites are left out of every context, as if `.dockerignore` began with their names; a line `!tests/image`
in it keeps that one in. A folder called `tests` that holds no suite is a folder like any other.
"""

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile

from ci.stack.dockerfile import Instruction
from ci.stack.model import Image

_SIGNS = re.compile(r"[][*?\\^!]")


def left_out_tests(suite_folders: Sequence[str], context: str) -> tuple[str, ...]:
    """Return patterns for the folders of tests that lie in a context ("" for the whole tree). They are sorted."""
    return tuple(_SIGNS.sub(r"\\\g<0>", folder) for folder in _within(suite_folders, context))


def copy_problems(image: Image, suite_folders: Sequence[str]) -> Iterator[str]:
    """Return a sentence for each COPY or ADD of tests that are left out: the engine would only not find them."""
    if any(pattern.startswith("!") for pattern in image.ignore):
        return
    left_out = _within(suite_folders, "" if image.context == "." else image.context)
    for instruction in image.dockerfile.instructions:
        for source in _sources(instruction):
            for folder in left_out:
                if f"{source}/".startswith(f"{folder}/"):
                    yield (
                        f"{instruction.where}: {instruction.keyword} {source}: tests are no part of a build context. "
                        f"To have them in it, write !{folder} in its .dockerignore."
                    )


def _within(suite_folders: Sequence[str], context: str) -> tuple[str, ...]:
    prefix = f"{context}/" if context else ""
    inner = suite_folders[bisect_left(suite_folders, prefix) :]
    return tuple(folder.removeprefix(prefix) for folder in takewhile(lambda folder: folder.startswith(prefix), inner))


def _sources(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
        # A source with a variable, a URL or a heredoc looks like no folder of tests.
        yield from (posixpath.normpath(f"/{word.lstrip('/')}").lstrip("/") for word in instruction.words[:-1])
