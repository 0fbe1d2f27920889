"""Whether images form one stack: each built on exactly the builds of the others that get the same tag."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Repository
from ci.oci.registry import Descriptor, IntegrityError, Manifest, Registry
from ci.stack.model import Stack


class StackImage(NamedTuple):
    """An image that is about to get the stack's tag. `needs`: the digests of the images it was built from, by name."""

    repository: Repository
    manifest: Manifest
    needs: Mapping[str, str]


class _Content(msgspec.Struct, frozen=True):
    digest: str


class _Image(msgspec.Struct, frozen=True):
    config: Descriptor | None = None
    layers: tuple[_Content, ...] = ()


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: tuple[str, ...] = ()


class _Config(msgspec.Struct, frozen=True):
    rootfs: _RootFs = _RootFs()


async def check_whole(registry: Registry, stack: Stack, images: Mapping[str, StackImage]) -> None:
    """Raise IntegrityError, with every pair that does not fit, unless the images form one stack.

    Reads nothing but the configurations of images whose compressed layers do not begin with those of their parent.
    """
    problems = [*_other_needs(stack, images), *await _other_layers(registry, stack, images)]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise IntegrityError(f"These images are not one stack:\n{listed}")


def _other_needs(stack: Stack, images: Mapping[str, StackImage]) -> Iterator[str]:
    for name, image in images.items():
        for needed in stack.by_name[name].needs:
            found, wanted = image.needs.get(needed), images[needed].manifest.digest
            if found != wanted:
                yield f"{name} was built on {needed} {found or 'of an unknown build'}, but {needed} is {wanted}."


async def _other_layers(registry: Registry, stack: Stack, images: Mapping[str, StackImage]) -> tuple[str, ...]:
    """Compare layers, for what the engine says it built on need not be what it built on."""
    pairs = [
        (name, image.parent)
        for name in images
        if (image := stack.by_name[name]).parent
        # The engine builds the parent of such a child from its sources, not from what is published.
        and not stack.by_name[image.parent].dockerfile.onbuild
        and not _begins_with(_layers(images[name]), _layers(images[image.parent]))
    ]

    async def compare(pair: tuple[str, str]) -> str:
        name, parent = pair
        # Other bytes may hold the same files: layers of another compression.
        if _begins_with(await _diff_ids(registry, images[name]), await _diff_ids(registry, images[parent])):
            return ""
        return (
            f"{name} does not begin with the layers of {parent} {images[parent].manifest.digest}: the engine built "
            f"{parent} twice, with different results."
        )

    return tuple(filter(None, await gather_or_raise(compare, pairs)))


def _begins_with(layers: tuple[str, ...], base: tuple[str, ...]) -> bool:
    return layers[: len(base)] == base


def _layers(image: StackImage) -> tuple[str, ...]:
    return tuple(layer.digest for layer in _decode(image).layers)


def _decode(image: StackImage) -> _Image:
    try:
        return msgspec.json.decode(image.manifest.content, type=_Image)
    except msgspec.MsgspecError:
        return _Image()


async def _diff_ids(registry: Registry, image: StackImage) -> tuple[str, ...]:
    config = _decode(image).config
    content = await registry.get_blob(image.repository, config) if config else None
    try:
        return msgspec.json.decode(content or b"{}", type=_Config).rootfs.diff_ids
    except msgspec.MsgspecError:
        return ()
