"""Checks that need several images: their names, what they refer to, and what stack.toml says of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ci.errors import did_you_mean, first_few
from ci.stack.config import Settings
from ci.stack.discovery import Discovery, FoundImage
from ci.stack.image import Image
from ci.stack.naming_notes import snippet
from ci.stack.reserved_names import image_name_problem, prefix_problems, variable_problems, version_problems
from ci.stack.suggestions import naming_lines


def variant_problems(found: Iterable[FoundImage], images: Iterable[Image]) -> Iterator[str]:
    """Return a sentence for each build arg of variants that none of their images declares."""
    given: dict[str, set[str]] = defaultdict(set)
    taken: dict[str, set[str]] = defaultdict(set)
    for one, image in zip(found, images, strict=True):
        for name in one.variant_args:
            given[name].add(image.name)
            taken[name].update([image.name] if name in image.build_args or not image.enabled else [])
    for name, variants in given.items():
        if not taken[name]:
            yield f"variants: no ARG declares {name}, in none of {first_few(sorted(variants))}."


def _gpu_problems(settings: Settings, images: Mapping[str, Image]) -> Iterator[str]:
    if settings.gpu is None:
        return
    name = settings.gpu.image
    if name not in images:
        yield f"gpu.image: no such image: {name!r}.{did_you_mean(name, images)}"
    elif not images[name].enabled:
        yield f"gpu.image: {name} is disabled ({images[name].disabled_reason}). Use another one, or remove [gpu]."


def name_problems(found: Discovery, images: Sequence[Image], references: Iterable[str], settings: str) -> Iterator[str]:
    """Return what is wrong with the names of images, with the lines of stack.toml that give them others."""
    enabled = {image.name for image in images if image.enabled}
    for image in (image for image in images if image.enabled):
        problem = image_name_problem(image.name)
        yield from [f"{image.dockerfile_path}: {problem}"] if problem else []
    by_name: dict[str, list[FoundImage]] = defaultdict(list)
    for one in found.images:
        if one.name.image in enabled:
            by_name[one.name.image].append(one)
    equal = [same for same in by_name.values() if len(same) > 1]
    invalid = [one for one, *others in by_name.values() if not others and not one.name.is_valid]
    if not equal and not invalid:
        return
    defaults = found.defaults
    taken = [one.name.image for one in found.images if one.dockerfile not in defaults]
    lines = snippet(naming_lines(defaults, references, taken))
    said = []
    if equal:
        listed = first_few([one.dockerfile for same in equal for one in same])
        said.append(
            f"{listed}: several images would have one name ({first_few([same[0].name.image for same in equal])})"
        )
    if invalid:
        listed = first_few([one.dockerfile for one in invalid])
        said.append(
            f"{listed}: no valid name of an image ({first_few([str(one.name) for one in invalid])}): use lower-case "
            "letters and digits, separated by '.', '_', '__' or any number of '-'"
        )
    yield f"{'. '.join(said)}. By default an image has the name of its folder; {settings} gives others:\n{lines}"


def settings_problems(settings: Settings, images: Mapping[str, Image]) -> Iterator[str]:
    """Return what is wrong with stack.toml beside the tables of images."""
    yield from version_problems(settings.stack.version)
    prefixes = {image.name: image.tag_prefix for image in images.values() if image.enabled}
    yield from prefix_problems(prefixes, settings.stack.version)
    yield from variable_problems(settings.tests.server_environment)
    yield from _gpu_problems(settings, images)


def disabled_problems(images: Sequence[Image]) -> Iterator[str]:
    """Return a sentence for each dependency of an enabled image on a disabled one."""
    reasons = {image.name: image.disabled_reason for image in images if not image.enabled}
    for image in images:
        for name in image.needs:
            if image.enabled and name in reasons:
                yield (
                    f"{image.dockerfile_path}: {image.name} needs {name}, which is disabled ({reasons[name]}). "
                    f"Enable {name}, or disable {image.name} too."
                )
