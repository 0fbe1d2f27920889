"""Which images have a package, as a table."""

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from ci.contents.finding import PackageSearch
from ci.reports.lines import one_line

_MOST_COLUMNS = 6
"""Images: with more of them, each version is a row instead of each image a column."""


def render_package_search(search: PackageSearch) -> str:
    """Return which images have the packages that a pattern matches, and in which version; or the nearest names."""
    if not search.packages:
        return one_line(_nothing(search), 1000)
    if len(search.images) <= _MOST_COLUMNS:
        return _table(("package", "from", "in", *search.images), _by_package(search))
    return _table(("package", "from", "in", "version", "images"), _by_version(search))


def _nothing(search: PackageSearch) -> str:
    similar = f" Similar names: {', '.join(search.similar)}." if search.similar else ""
    if len(search.images) == 1:
        return f"{search.images[0]} has no package {search.pattern!r}.{similar}"
    return f"No image has a package {search.pattern!r}.{similar} Searched: {', '.join(search.images)}."


def _by_package(search: PackageSearch) -> Iterator[Sequence[str]]:
    for one in search.packages:
        yield (one.name, one.ecosystem, one.location, *(one.versions.get(name, "") for name in search.images))


def _by_version(search: PackageSearch) -> Iterator[Sequence[str]]:
    for one in search.packages:
        for version in dict.fromkeys(one.versions.values()):
            images = [name for name in search.images if one.versions.get(name) == version]
            yield (one.name, one.ecosystem, one.location, version, ", ".join(images))


def _table(headers: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    cells = [[one_line(cell, 1000) for cell in row] for row in rows]
    return tabulate(cells, headers, disable_numparse=True)
