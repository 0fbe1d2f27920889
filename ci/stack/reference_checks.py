"""Finds references in Dockerfiles that may mean an image of the stack, and mean none.

What is built on them is built on what was published last, and nothing else would say so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import Origin, Scope, Source, origins
from ci.errors import first_few
from ci.oci.reference import split_reference
from ci.stack.image import Image
from ci.stack.image_references import ImageReferences


class UsedReference(NamedTuple):
    """A FROM or `from=` with the reference that it has once variables are expanded, and what that means."""

    image: str
    instruction: Instruction
    reference: str
    source: Source


class Doubts(NamedTuple):
    """Sentences on references that may mean an image of the stack."""

    errors: Sequence[str]
    warnings: Sequence[str]
    renamed: Mapping[str, Sequence[str]]
    """Where references are that end with the name of an image."""


def used_references(image: Image, names: ImageReferences) -> Iterator[UsedReference]:
    """Return the references of an image that mean no stage."""
    scope = Scope(image=image.name, images=names, aliases=tuple(stage.alias for stage in image.stages))
    for stage in image.stages:
        written = stage.source.words[0]
        try:
            reference = expand(written, image.arguments.for_from).text or written
        except ExpansionError:
            reference = written
        yield UsedReference(image.name, stage.source, reference, stage.base)
        for instruction in stage.body:
            for name, source in origins(instruction, scope):
                yield UsedReference(image.name, instruction, name, source)


def reference_doubts(
    references: Iterable[UsedReference], images: Mapping[str, Image], names: ImageReferences, registry: str
) -> Doubts:
    """Return what may be a mistake. `registry` is that of the stack, where only its own images are expected."""
    used = [one for one in references if images[one.image].enabled]
    owners = names.owners(one.reference for one in used if one.source.origin is Origin.IMAGE)
    if registry:
        owners |= {registry.rstrip("/")}
    errors: dict[str, list[str]] = defaultdict(list)
    warnings: dict[str, list[str]] = defaultdict(list)
    renamed: dict[str, list[str]] = defaultdict(list)
    for one in used:
        if one.source.origin is not Origin.FOREIGN or names.is_external(one.reference):
            continue
        where = one.instruction.location
        doubt, is_error = names.doubt(one.reference, one.image)
        owner, _, last = split_reference(one.reference)[0].rpartition("/")
        if doubt:
            found = errors if is_error else warnings
            found[f"{one.instruction.keyword} {one.reference}: {doubt}"].append(where)
        elif owner and names.ends_with_name(last, one.image):
            renamed[one.reference].append(where)
        elif owner in owners and last != one.image:
            doubt = (
                f"images of this stack are below {owner}, but none is called {last}. If it is one, give it this name "
                f'in [dockerfiles] of stack.toml; if it is not, stack.external = ["{owner}/{last}"].'
            )
            warnings[f"{one.instruction.keyword} {owner}/{last}: {doubt}"].append(where)
    return Doubts(_say(errors), _say(warnings), renamed)


def _say(found: dict[str, list[str]]) -> Sequence[str]:
    return tuple(f"{first_few(list(dict.fromkeys(places)))}: {doubt}" for doubt, places in found.items())
