"""Finds packages by their names in all images: which image has X."""

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from ci.contents.model import Contents, Ecosystem
from ci.contents.names import normalised
from ci.contents.package_changes import Key, location_key
from ci.contents.versions import ascending

_NEAREST = 5


class FoundPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package in one place, and its versions in the images that have it; several are separated by commas."""

    ecosystem: Ecosystem
    name: str
    location: str
    versions: Mapping[str, str]


class PackageSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which of some images have packages that match a pattern. `similar` are names, if there are none."""

    pattern: str
    images: tuple[str, ...]
    packages: tuple[FoundPackage, ...]
    similar: tuple[str, ...] = ()


def search_packages(pattern: str, images: Mapping[str, Contents]) -> PackageSearch:
    """Return the packages of all ecosystems whose names match a pattern, or else the names that are most like it."""
    found = find_packages(pattern, images)
    similar = () if found else tuple(nearest_names(pattern, images))
    return PackageSearch(pattern=pattern, images=tuple(images), packages=found, similar=similar)


def find_packages(pattern: str, images: Mapping[str, Contents]) -> tuple[FoundPackage, ...]:
    """Return the packages of all ecosystems whose names match a pattern such as `torch*`, in whatever case."""
    versions: dict[Key, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    shown: dict[Key, tuple[str, str]] = {}
    for image, contents in images.items():
        for package in contents.packages:
            if not _matches(pattern, package.ecosystem, package.name):
                continue
            name = normalised(package.ecosystem, package.name)
            key = (package.ecosystem, name, location_key(package.location))
            shown.setdefault(key, (package.name, package.location))
            versions[key][image].append(package.version)
    order = tuple(Ecosystem)
    return tuple(
        FoundPackage(
            ecosystem=key[0],
            name=shown[key][0],
            location=shown[key][1],
            versions={image: ", ".join(ascending(key[0], several)) for image, several in versions[key].items()},
        )
        for key in sorted(versions, key=lambda key: (key[1].lower(), order.index(key[0]), key))
    )


def nearest_names(pattern: str, images: Mapping[str, Contents]) -> Sequence[str]:
    """Return the names of packages that are most like a pattern that nothing matches."""
    names = {package.name.lower(): package.name for contents in images.values() for package in contents.packages}
    word = pattern.lower().strip("*?")
    return [names[found] for found in difflib.get_close_matches(word, sorted(names), n=_NEAREST)]


def _matches(pattern: str, ecosystem: Ecosystem, name: str) -> bool:
    lower = pattern.lower()
    return fnmatchcase(name.lower(), lower) or fnmatchcase(normalised(ecosystem, name).lower(), lower)
