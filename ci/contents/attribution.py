"""Which image of a stack a change comes from, so that it is said once and not at every image built on it."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import TypeVar

import msgspec

from ci.contents.described_stack import ancestry
from ci.contents.difference import Attributed

AttributedType = TypeVar("AttributedType", bound=Attributed)

# A package of a child may have another size though it is the same change, as its owner may be another.
_LEFT_OUT = {"brought_by", "also_in", "size_change", "moved"}


def attribute(
    changes: Mapping[str, tuple[AttributedType, ...]], parents: Mapping[str, str | None], *, inherited: bool
) -> Mapping[str, tuple[AttributedType, ...]]:
    """Return the changes of each image that it brought itself; with `inherited`, also those of its parents.

    A change was brought by the highest ancestor that has the same one, with every image between having it, too.
    """
    sets = {image: {_identity(change) for change in own} for image, own in changes.items()}
    origins = {
        (image, identity): _origin(image, identity, sets, parents) for image, own in sets.items() for identity in own
    }
    also: dict[tuple[str, Hashable], list[str]] = defaultdict(list)
    for (image, identity), origin in origins.items():
        if image != origin:
            also[origin, identity].append(image)
    found: dict[str, tuple[AttributedType, ...]] = {}
    for image, own in changes.items():
        attributed = []
        for change in own:
            identity = _identity(change)
            origin = origins[image, identity]
            others = tuple(sorted(also[origin, identity]))
            if origin == image or inherited:
                attributed.append(msgspec.structs.replace(change, brought_by=origin, also_in=others))
        found[image] = tuple(attributed)
    return found


def _identity(change: Attributed) -> Hashable:
    return tuple(getattr(change, field) for field in change.__struct_fields__ if field not in _LEFT_OUT)


def _origin(
    image: str, identity: Hashable, sets: Mapping[str, set[Hashable]], parents: Mapping[str, str | None]
) -> str:
    origin = image
    for ancestor in ancestry(image, parents):
        if identity not in sets.get(ancestor, set()):
            break
        origin = ancestor
    return origin
