"""Compares two stacks, image by image."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec

from ci.contents.attribution import attribute
from ci.contents.config_changes import (
    config_changes,
    kernel_changes,
    kernels_of,
    settings_of,
    version_changes,
    versions_of,
)
from ci.contents.described_stack import DescribedStack
from ci.contents.difference import ImageDifference, Side, StackDifference
from ci.contents.layer_changes import download_size, layer_changes
from ci.contents.model import Contents
from ci.contents.package_changes import package_changes, places

KeyType = TypeVar("KeyType")
ValueType = TypeVar("ValueType")


class _Pair(msgspec.Struct, frozen=True, kw_only=True):
    """An image of two stacks. `parent` is what a side's image is built on where the other side has no such image."""

    old: Contents | None
    new: Contents | None
    parent: Contents | None

    def read(
        self, of: Callable[[Contents], Mapping[KeyType, ValueType]]
    ) -> tuple[Mapping[KeyType, ValueType], Mapping[KeyType, ValueType]]:
        """Return a part of both sides. Of an image that is on one side only, what it does not have from its parent."""
        inherited = of(self.parent) if self.parent else {}
        old, new = (
            {key: value for key, value in of(side).items() if inherited.get(key) != value} if side else {}
            for side in (self.old, self.new)
        )
        return old, new


def compare_stacks(
    old: DescribedStack, new: DescribedStack, *, images: Collection[str] | None = None, inherited: bool = False
) -> StackDifference:
    """Return what differs between two stacks: each change once, at the image that brought it.

    `images` are those that are shown; None means all. With `inherited`, changes are repeated at the images built
    on those that brought them.
    """
    parents = {**old.parents, **new.parents}
    names = DescribedStack(name="", images={**old.images, **new.images}, parents=parents).names
    missing = {**old.missing, **new.missing}
    compared = [_compare(name, old, new, parents.get(name)) for name in names if name not in missing]
    shown = _attributed(compared, parents, inherited=inherited)
    wanted = images if images is not None else {*names, *missing}
    return StackDifference(
        old=old.name,
        new=new.name,
        images=tuple(one for one in shown if one.image in wanted),
        unread=tuple(
            f"{name} of {stack.name} is not compared: {why}"
            for stack in (old, new)
            for name, why in sorted(stack.missing.items())
            if name in wanted
        ),
    )


def _compare(name: str, old: DescribedStack, new: DescribedStack, parent: str | None) -> ImageDifference:
    before, after = old.images.get(name), new.images.get(name)
    only = None if before and after else (new if after else old).images.get(parent or "")
    pair = _Pair(old=before, new=after, parent=only)
    old_layers, new_layers = (one.layers if one else () for one in (before, after))
    # What was not uploaded has no layers that are known: none of the others' is gone because of that.
    are_known = all(one is None or one.layers for one in (before, after))
    return ImageDifference(
        image=name,
        parent=parent,
        old=_side(before),
        new=_side(after),
        versions=version_changes(*pair.read(versions_of)),
        packages=package_changes(*pair.read(lambda contents: places(contents.packages))),
        kernels=kernel_changes(*pair.read(kernels_of)),
        config=config_changes(*pair.read(lambda contents: settings_of(contents.config))),
        layers=layer_changes(old_layers, new_layers) if are_known else (),
        download=download_size(old_layers, new_layers) if after else None,
    )


def _side(contents: Contents | None) -> Side | None:
    if contents is None:
        return None
    return Side(digest=contents.digest, size=contents.size, compressed_size=contents.compressed_size)


def _attributed(
    compared: list[ImageDifference], parents: Mapping[str, str | None], *, inherited: bool
) -> list[ImageDifference]:
    versions = attribute({one.image: one.versions for one in compared}, parents, inherited=inherited)
    packages = attribute({one.image: one.packages for one in compared}, parents, inherited=inherited)
    kernels = attribute({one.image: one.kernels for one in compared}, parents, inherited=inherited)
    config = attribute({one.image: one.config for one in compared}, parents, inherited=inherited)
    return [
        msgspec.structs.replace(
            one,
            versions=versions[one.image],
            packages=packages[one.image],
            kernels=kernels[one.image],
            config=config[one.image],
        )
        for one in compared
    ]
