"""Finds pytest files in the places of tests that are in no suite: they would never run, and nothing would say so."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.stack.image import Image, SuiteKind
from ci.stack.paths import inside
from ci.stack.suites import COMMON_TESTS, TESTS

_SINGULAR = "test"
_NAMES_SHOWN = 3


def stray_test_problems(
    paths: Iterable[str], root: str, images: Iterable[Image], ignore: Sequence[str], settings: str
) -> Iterator[str]:
    """Return a sentence for each folder with pytest files that are in no suite.

    These are below the folders `tests` and `test` of images, and below the folder of the common suites. `root` is the
    folder of all images, `settings` the path of stack.toml; files that the patterns in `ignore` match do not count.
    """
    common = inside(root, COMMON_TESTS)
    enabled = {image.folder: image.enabled for image in images}
    ignored = IgnorePatterns(ignore)
    strays: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(paths):
        if _is_test(path) and (place := _place(path, common, enabled)) and not ignored.match(path):
            strays[place].append(path)
    for (folder, tests), found in strays.items():
        names = [path.removeprefix(f"{folder}/") for path in found]
        shown = ", ".join(names[:_NAMES_SHOWN]) + (f" +{len(names) - _NAMES_SHOWN}" if names[_NAMES_SHOWN:] else "")
        one = len(found) == 1
        pattern = folder if folder != tests else f"{folder}/*.py"
        yield (
            f"{folder}: {len(found)} pytest {'file' if one else 'files'} ({shown}) {'is' if one else 'are'} in no "
            f"suite and would never run. Move {'it' if one else 'them'} to {tests}/{SuiteKind.IMAGE} (runs inside the "
            f"image) or {tests}/{SuiteKind.SERVER} (runs beside its server). What is no test of an image is excluded "
            f'in {settings}: [tests] ignore = ["{pattern}"].'
        )


def _is_test(path: str) -> bool:
    """Return whether pytest would take a file for tests. It does not search hidden folders."""
    name = posixpath.basename(path)
    is_test = name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
    return is_test and not any(part.startswith(".") for part in path.split("/"))


def _place(path: str, common: str, enabled: Mapping[str, bool]) -> tuple[str, str] | None:
    """Return the folder to report for a pytest file, and the folder of suites that it belongs in.

    None for one that is in a suite, that has nothing to do with images, or that belongs to a disabled one. `enabled`
    has the folders of all images, `common` is that of the common suites.
    """
    if path.startswith(f"{common}/"):
        return _beside_suites(path, common)
    owner = posixpath.dirname(path)
    while owner and owner not in enabled:
        owner = posixpath.dirname(owner)
    # The tests at the top of a tree are mostly those of its programs, also where an image lies there.
    if not owner or not enabled.get(owner):
        return None
    tests = inside(owner, TESTS)
    if path.startswith(f"{owner}/{_SINGULAR}/"):
        return f"{owner}/{_SINGULAR}", tests
    return _beside_suites(path, tests) if path.startswith(f"{tests}/") else None


def _beside_suites(path: str, tests: str) -> tuple[str, str] | None:
    first, slash, _ = path.removeprefix(f"{tests}/").partition("/")
    if not slash:
        return tests, tests
    return None if first in set(SuiteKind) else (f"{tests}/{first}", tests)
