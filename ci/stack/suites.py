"""Finds the folders of suites in a source tree."""

import posixpath
from collections.abc import Collection, Iterable

from ci.stack.image import Suite, SuiteKind
from ci.stack.paths import inside

COMMON_TESTS = "tests_common"
_COMMON = "common"
TESTS = "tests"
_CLUTTER_NAMES = frozenset({"__pycache__", ".ipynb_checkpoints"})
CLUTTER = tuple(f"**/{name}" for name in sorted(_CLUTTER_NAMES))
"""Patterns for what Python and Jupyter leave in folders: part of build contexts, as in Docker, but of no suite."""


def folders_with_files(paths: Iterable[str]) -> Collection[str]:
    """Return every folder that contains a file, at any depth. Hidden files and clutter do not count."""
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        if parts[-1].startswith(".") or not _CLUTTER_NAMES.isdisjoint(parts):
            continue
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def common_suites(folders: Collection[str], images: str, names: Collection[str]) -> tuple[Suite, ...]:
    """Return the suites of all images, which `names` are. `folders` are the folders with files.

    Their origin is `common`, or `tests_common` if that is the name of an image: no image is called `tests_common`.
    """
    return _suites(folders, inside(images, COMMON_TESTS), COMMON_TESTS if _COMMON in names else _COMMON)


def own_suites(folders: Collection[str], folder: str, image: str) -> tuple[Suite, ...]:
    """Return the suites in an image's folder. `folders` are the folders with files."""
    return _suites(folders, inside(folder, TESTS), image)


def excluded_tests(
    paths: Iterable[str], folders: Collection[str], image_folders: Iterable[str], images: str
) -> tuple[str, ...]:
    """Return the folders of tests that are part of no context, sorted: suites, common ones included, and clutter.

    `folders` are the folders with files. Clutter beside the suites counts, and so does a suite that has nothing else.
    """
    common = inside(images, COMMON_TESTS)
    tests = {inside(folder, TESTS) for folder in image_folders}
    suites = {common, *(inside(folder, kind) for folder in tests for kind in SuiteKind)}
    found = {folder for folder in suites if folder in folders}
    for path in (path for path in paths if any(name in path for name in _CLUTTER_NAMES)):
        parts = path.split("/")
        clutter = next((end for end, name in enumerate(parts, start=1) if name in _CLUTTER_NAMES), 0)
        above = ["/".join(parts[:end]) for end in range(1, clutter)]
        if clutter and not {common, *tests}.isdisjoint(above):
            found.add(next((folder for folder in above if folder in suites), "/".join(parts[:clutter])))
    return tuple(sorted(found))


def _suites(folders: Collection[str], tests: str, origin: str) -> tuple[Suite, ...]:
    return tuple(
        Suite(origin=origin, kind=kind, folder=folder)
        for kind in SuiteKind
        if (folder := inside(tests, kind.value)) in folders
    )
