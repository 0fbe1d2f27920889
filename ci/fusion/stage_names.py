"""Names for the stages of many Dockerfiles in one text."""

import re
from collections.abc import Mapping, Sequence

from ci.dockerfile.stages import Origin
from ci.stack.model import Image

LAST = -1
# The engine gives these a meaning of their own.
_RESERVED = ("scratch", "context")


def stage_names(images: Sequence[Image]) -> Mapping[tuple[str, int], str]:
    """Return a name for each stage by its image and index, or LAST: the image's own name for its last stage.

    Taken from all images of the stack, so that a stage has one name in every text. A reference to a foreign image must
    not be taken for a stage, so no stage is named as one is written.
    """
    taken = {*_RESERVED}
    for image in images:
        for stage in image.stages:
            taken.update(source.name.lower() for source in stage.dependencies if source.origin is Origin.FOREIGN)
    names: dict[tuple[str, int], str] = {}
    for image in images:
        names[image.name, LAST] = names[image.name, len(image.stages) - 1] = _free(image.name, taken)
    for image in images:
        for stage in image.stages[:-1]:
            names[image.name, stage.index] = _free(f"{image.name}.{stage.alias or stage.index}", taken)
    return names


def own_stage_names(image: Image) -> Mapping[tuple[str, int], str]:
    """Return a name for each stage of an image that is built from its own text: the alias, or one that is free."""
    taken: set[str] = set()
    named = [stage for stage in image.stages if stage.alias]
    names = {(image.name, stage.index): _free(stage.alias, taken) for stage in named}
    for stage in image.stages:
        if not stage.alias:
            is_last = stage is image.stages[-1]
            names[image.name, stage.index] = _free(image.name if is_last else f"{image.name}.{stage.index}", taken)
    return names


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or the name with the first number that makes it new, and take it."""
    first = name if re.match("[a-z]", name) else f"image-{name}"
    candidate, number = first, 2
    while candidate in taken:
        candidate, number = f"{first}-{number}", number + 1
    taken.add(candidate)
    return candidate
