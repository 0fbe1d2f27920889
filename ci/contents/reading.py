"""From the databases of an image to its contents."""

from collections.abc import Iterable

import msgspec

from ci.contents.databases import DATABASES, matcher
from ci.contents.found import Found, shown
from ci.contents.highlights import Sources, key_versions
from ci.contents.inspection import Inspection
from ci.contents.limits import MOST_IN_ALL, MOST_OF_ONE
from ci.contents.model import Contents, DescribedLayer, Ecosystem, Package, System
from ci.contents.owners import with_owners

_MB = 1_000_000
# Sentences: an image in which every package is broken is described in kilobytes, too.
_MOST_PROBLEMS = 100
_OF_SYSTEM = {Ecosystem.APT, Ecosystem.APK}


def read_contents(
    inspection: Inspection,
    *,
    image: str,
    digest: str = "",
    layers: tuple[DescribedLayer, ...] = (),
    compressed_size: int | None = None,
) -> Contents:
    """Return what is in an image. The same arguments give the same value, whatever the order of the files.

    Raises nothing for what is wrong in the image: it is in `unread` and `problems`.
    """
    found = _read(inspection)
    packages = tuple(sorted(with_owners(package for one in found for package in one.packages), key=_order))
    installed = [program for one in found for program in one.installed]
    system = next((one.system for one in found if one.system != System()), System())
    environment = inspection.config.environment
    return Contents(
        image=image,
        digest=digest,
        platform=inspection.platform,
        system=msgspec.structs.replace(
            system,
            architecture=inspection.platform.partition("/")[2].partition("/")[0],
            versions=key_versions(Sources(packages, installed, environment)),
        ),
        config=inspection.config,
        packages=packages,
        kernels=tuple(
            sorted((kernel for one in found for kernel in one.kernels), key=lambda one: (one.name, one.location))
        ),
        layers=layers,
        size=inspection.size,
        compressed_size=compressed_size,
        entries=inspection.entries,
        unread=tuple(_unread(inspection, packages)),
        problems=_problems(inspection, found),
    )


def _read(inspection: Inspection) -> list[Found]:
    # What is too large counts as empty: the name of a dist-info says what its METADATA would.
    files = {**inspection.files, **dict.fromkeys(inspection.refused, b"")}
    found: list[Found] = []
    for database in DATABASES:
        pattern = matcher(database.pattern)
        chosen = {path: data for path, data in files.items() if pattern.fullmatch(path)}
        if chosen:
            found.append(database.read(chosen))
    return found


def _order(package: Package) -> tuple[str, str, str, str]:
    return package.ecosystem, package.name, package.location, package.version


def _unread(inspection: Inspection, packages: Iterable[Package]) -> Iterable[str]:
    for path in sorted(inspection.noticed):
        yield f"The package database {shown(path)} is of a kind that is not read."
    if not any(package.ecosystem in _OF_SYSTEM for package in packages):
        yield "It has no package database that is known of an operating system (dpkg, apk)."


def _problems(inspection: Inspection, found: Iterable[Found]) -> tuple[str, ...]:
    refused = {shown(path): size for path, size in sorted(inspection.refused.items())}
    problems = [
        f"{path} was not read: it has {size / _MB:.1f} MB, and the limit is {MOST_OF_ONE // _MB} MB for a file and "
        f"{MOST_IN_ALL // _MB} MB for all."
        for path, size in refused.items()
    ]
    # That the empty text is no metadata is said already.
    openings = tuple(f"{path} " for path in refused)
    problems += sorted(problem for one in found for problem in one.problems if not problem.startswith(openings))
    more = len(problems) - _MOST_PROBLEMS
    return tuple(problems) if more <= 0 else (*problems[:_MOST_PROBLEMS], f"There are {more} more problems.")
