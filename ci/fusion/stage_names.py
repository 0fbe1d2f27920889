"""Names for the stages of many Dockerfiles in one text."""

import re
from collections.abc import Mapping, Sequence

from ci.dockerfile.stages import Origin
from ci.stack.image import Image

LAST = -1
# Names with a special meaning to the engine.
_RESERVED = ("scratch", "context")


def stage_names(images: Sequence[Image]) -> Mapping[tuple[str, int], str]:
    """Return the names of all stages by image and index. The last stage, also at LAST, has the name of its image.

    The names depend on all images of the stack, so that a stage has the same name in every text. No stage has the name
    of a foreign image, or the engine would take the image for that stage.
    """
    taken = reserved_names(images)
    names: dict[tuple[str, int], str] = {}
    for image in images:
        names[image.name, LAST] = names[image.name, len(image.stages) - 1] = unused_name(image.name, taken)
    for image in images:
        for stage in image.stages[:-1]:
            names[image.name, stage.index] = unused_name(f"{image.name}.{stage.alias or stage.index}", taken)
    return names


def reserved_names(images: Sequence[Image]) -> set[str]:
    """Return the names that no stage may have: those of foreign images, and those with a meaning of their own."""
    foreign = {
        source.name.lower()
        for image in images
        for stage in image.stages
        for source in stage.dependencies
        if source.origin is Origin.FOREIGN
    }
    return {*_RESERVED, *foreign}


def own_stage_names(image: Image) -> Mapping[tuple[str, int], str]:
    """Return names for the stages of an image that is built from its own text: the alias, or an unused name."""
    taken: set[str] = set()
    named = [stage for stage in image.stages if stage.alias]
    names = {(image.name, stage.index): unused_name(stage.alias, taken) for stage in named}
    for stage in image.stages:
        if not stage.alias:
            is_last = stage is image.stages[-1]
            names[image.name, stage.index] = unused_name(
                image.name if is_last else f"{image.name}.{stage.index}", taken
            )
    return names


def unused_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken, and add it to `taken`."""
    first = name if re.match("[a-z]", name) else f"image-{name}"
    candidate, number = first, 2
    while candidate in taken:
        candidate, number = f"{first}-{number}", number + 1
    taken.add(candidate)
    return candidate
