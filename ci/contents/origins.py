"""Which image of a stack brought a package, and which a layer."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import takewhile

import msgspec

from ci.contents.described_stack import DescribedStack, ancestry
from ci.contents.model import Contents, DescribedLayer, Ecosystem, Package
from ci.contents.names import normalised

_Key = tuple[Ecosystem, str, str]


class Change(StrEnum):
    """What an image did with a package."""

    ADDED = "added"
    CHANGED = "changed"
    """Its parent has the package in the same place in another version."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The image that brought a package in this version. `before` is the version that its parent has, if any."""

    image: str
    change: Change
    before: str = ""


def origins(
    contents: Mapping[str, Contents], parents: Mapping[str, str | None]
) -> Mapping[str, Mapping[Package, Origin]]:
    """Return who brought each package of each image. Both arguments are by image; `parents` may have more of them.

    A package that the parent has in the same version and place is the parent's. Where the parent's contents are not
    known, everything is the image's own.
    """
    found: dict[str, Mapping[Package, Origin]] = {}

    def of(image: str) -> Mapping[Package, Origin]:
        if image not in found:
            parent = parents.get(image)
            inherited = of(parent) if parent is not None and parent in contents else {}
            found[image] = _origins(contents[image], inherited)
        return found[image]

    return {image: of(image) for image in contents}


def layers_of(image: str, stack: DescribedStack) -> tuple[DescribedLayer, ...]:
    """Return the layers of an image, those that it shares with its parents as they are known there.

    An image that was built on a published one knows of these layers only that they are that one's.
    """
    layers: tuple[DescribedLayer, ...] = ()
    for name in reversed(tuple(ancestry(image, stack.parents))):
        own = stack.images[name].layers if name in stack.images else ()
        pairs = takewhile(lambda pair: pair[0].digest == pair[1].digest != "", zip(layers, own, strict=False))
        shared = [inherited for inherited, _ in pairs]
        layers = (*shared, *own[len(shared) :])
    return layers


def _origins(contents: Contents, inherited: Mapping[Package, Origin]) -> Mapping[Package, Origin]:
    same = {(*_key(package), package.version): origin for package, origin in inherited.items()}
    before: dict[_Key, list[str]] = {}
    for package in inherited:
        before.setdefault(_key(package), []).append(package.version)
    return {
        package: same.get((*_key(package), package.version))
        or Origin(
            image=contents.image,
            change=Change.CHANGED if _key(package) in before else Change.ADDED,
            before=", ".join(before.get(_key(package), ())),
        )
        for package in contents.packages
    }


def _key(package: Package) -> _Key:
    return package.ecosystem, normalised(package.ecosystem, package.name), package.location
