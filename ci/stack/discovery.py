"""Where the images and suites of a source tree lie."""

import posixpath
from collections.abc import Collection, Iterable, Mapping

from ci.stack.model import Suite, SuiteKind
from ci.stack.settings import ImageTable

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
