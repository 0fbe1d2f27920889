"""Where the images and suites of a source tree lie."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from ci.stack.model import Suite, SuiteKind
from ci.stack.settings import ImageTable

SETTINGS = "stack.toml"
COMMON = "common"
_COMMON_TESTS = "tests_common"
_TESTS = "tests"
_DOCKERFILE = "Dockerfile"


def find_image_folders(paths: Iterable[str], images: str, tables: Mapping[str, ImageTable]) -> tuple[str, ...]:
    """Return the folders of images below the folder `images`, at any depth, sorted.

    They hold a Dockerfile, or bear a name for which stack.toml names another file as the Dockerfile. The folder
    `images` is one itself if it holds a Dockerfile and has a name. Tests and hidden folders are not searched.
    """
    found: set[str] = set()
    for path in paths:
        folder, name = posixpath.split(path)
        if name == _DOCKERFILE and _is_below(path, images) and _is_searched(folder, images):
            found.add(folder)
    named = {posixpath.basename(folder) for folder in found}
    for name, table in tables.items():
        if table.dockerfile != _DOCKERFILE and name not in named:
            found.add(inside(images, name))
    return tuple(sorted(folder for folder in found if folder))


def inside(folder: str, path: str) -> str:
    """Join and tidy two paths of the tree: empty for the tree itself, with `..` in front for one that leaves it."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def find_suites(paths: Iterable[str], folder: str, origin: str) -> tuple[Suite, ...]:
    """Return the suites in the folders image, server and gpu of `folder` that hold a file."""
    listed = list(paths)
    return tuple(
        Suite(origin=origin, kind=kind, folder=suite)
        for kind in SuiteKind
        if any(_is_test_file(path, suite := inside(folder, kind.value)) for path in listed)
    )


def find_common_suites(paths: Iterable[str], images: str) -> tuple[Suite, ...]:
    """Return the suites that hold for every image."""
    return find_suites(paths, inside(images, _COMMON_TESTS), COMMON)


def find_own_suites(paths: Iterable[str], folder: str, name: str) -> tuple[Suite, ...]:
    """Return the suites that lie beside an image's Dockerfile."""
    return find_suites(paths, inside(folder, _TESTS), name)


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _is_searched(folder: str, images: str) -> bool:
    return all(_is_searched_name(name) for name in _parts_below(folder, images))


def _is_searched_name(name: str) -> bool:
    return name not in (_TESTS, _COMMON_TESTS) and not name.startswith(".")


def _parts_below(folder: str, images: str) -> Iterator[str]:
    yield from (part for part in folder.removeprefix(images).split("/") if part)


def _is_test_file(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/") and not any(
        part.startswith(".") or part == "__pycache__" for part in path.removeprefix(folder).split("/")
    )
