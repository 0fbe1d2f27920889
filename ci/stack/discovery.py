"""Where the images and suites of a source tree lie."""

import posixpath
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from ci.dockerfile.parser import Instruction
from ci.stack.config import ImageTable
from ci.stack.model import Image, Suite, SuiteKind

SETTINGS = "stack.toml"
COMMON = "common"
_DOCKERFILE = "Dockerfile"
_COMMON_TESTS = "tests_common"
_TESTS = "tests"


def inside(folder: str, path: str) -> str:
    """Join and tidy two paths of the tree: empty for the tree itself, with `..` in front for one that leaves it."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def find_image_folders(paths: Iterable[str], images: str, tables: Mapping[str, ImageTable]) -> tuple[str, ...]:
    """Return the folders of images, sorted.

    They hold a Dockerfile, at any depth below the folder `images`, or in it if it has a name to give to an image. One
    that stack.toml gives another Dockerfile lies at `<images>/<name>`. Tests and hidden folders are not searched.
    """
    found: set[str] = set()
    for path in paths:
        folder, name = posixpath.split(path)
        if name == _DOCKERFILE and folder and _is_searched(folder, images):
            found.add(folder)
    named = {posixpath.basename(folder) for folder in found}
    for name, table in tables.items():
        if table.dockerfile != _DOCKERFILE and name not in named:
            found.add(inside(images, name))
    return tuple(sorted(found))


def _is_searched(folder: str, images: str) -> bool:
    if images and not f"{folder}/".startswith(f"{images}/"):
        return False
    below = folder.removeprefix(images).split("/")
    return not any(name in (_TESTS, _COMMON_TESTS) or name.startswith(".") for name in below)


def folders_with_files(paths: Iterable[str]) -> Collection[str]:
    """Return every folder with a file in it, at any depth. Hidden files and compiled Python do not count."""
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        if parts[-1].startswith(".") or "__pycache__" in parts:
            continue
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def common_suites(folders: Collection[str], images: str) -> tuple[Suite, ...]:
    """Return the suites that hold for every image, of the folders with files in them."""
    return _suites(folders, inside(images, _COMMON_TESTS), COMMON)


def own_suites(folders: Collection[str], folder: str, image: str) -> tuple[Suite, ...]:
    """Return the suites that lie in an image's folder, of the folders with files in them."""
    return _suites(folders, inside(folder, _TESTS), image)


def suite_folders(folders: Collection[str], image_folders: Iterable[str], images: str) -> tuple[str, ...]:
    """Return where suites lie: below the images' folders, and those for every image. Sorted."""
    own = {inside(folder, f"{_TESTS}/{kind}") for folder in image_folders for kind in SuiteKind}
    return tuple(sorted(folder for folder in {inside(images, _COMMON_TESTS), *own} if folder in folders))


def _suites(folders: Collection[str], tests: str, origin: str) -> tuple[Suite, ...]:
    return tuple(
        Suite(origin=origin, kind=kind, folder=folder)
        for kind in SuiteKind
        if (folder := inside(tests, kind.value)) in folders
    )


_SIGNS = re.compile(r"[][*?\\^!]")


def suite_exclusions(suite_folders: Sequence[str], context: str) -> tuple[str, ...]:
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
