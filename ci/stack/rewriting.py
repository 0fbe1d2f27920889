"""One instruction in the words of a text that holds many images: other stage names, sources below a folder, values."""

from collections.abc import Collection, Mapping

import msgspec

from ci.stack.arguments import put_values
from ci.stack.dockerfile import Instruction
from ci.stack.environment import Environment
from ci.stack.model import Image
from ci.stack.mounts import Mount, put_mounts
from ci.stack.sources import move_source, put_origin, put_sources
from ci.stack.stages import ImageStage, Origin, Scope, Source

StageNames = Mapping[tuple[str, int], str]
"""The names of stages in the text by image and index; -1 is the image's last one."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instruction stands: its image, and what is known there."""

    image: Image
    scope: Scope
    names: StageNames
    environment: Environment

    @property
    def folder(self) -> str:
        """The folder of the context that the image's sources are in."""
        return self.image.name

    def below(self, instruction: Instruction) -> "Place":
        """Return the place after an instruction."""
        after = self.environment.after(instruction, self.image.arguments)
        return self if after is self.environment else msgspec.structs.replace(self, environment=after)


def scope_of(image: Image, images: Collection[str]) -> Scope:
    """Return what names mean in an image's Dockerfile, beside images of those names."""
    return Scope(image=image.name, images=images, aliases=tuple(stage.alias for stage in image.stages))


def rewrite(instruction: Instruction, place: Place) -> str:
    """Return the text of an instruction other than FROM; unchanged if it draws on nothing by name, or waits."""
    match instruction.keyword:
        case "ARG":
            return put_values(instruction, place.image.arguments)
        case "COPY" if instruction.flag("from"):
            source = place.scope.origin(instruction.flag("from"), numbered=True)
            return put_origin(instruction, spell(source, place.names))
        case "COPY" | "ADD":
            return put_sources(instruction, place.folder, place.environment)
        case "RUN":
            return put_mounts(instruction, lambda mount: _mount(mount, place))
        case _:
            return instruction.raw


def write_from(stage: ImageStage, place: Place) -> str:
    """Return the line of FROM."""
    platform = stage.source.flag("platform")
    if platform:
        # The engine knows its platform best; what the Dockerfile itself declares is gone from the text.
        written = platform if place.image.arguments.only_automatic(platform) else stage.platform
        platform = f"--platform={written} "
    return f"FROM {platform}{spell(stage.base, place.names)} AS {place.names[place.image.name, stage.index]}"


def spell(source: Source, names: StageNames) -> str:
    """Return what a source is called in the text."""
    match source.origin:
        case Origin.STAGE | Origin.IMAGE:
            return names[source.name, source.stage]
        case Origin.FOREIGN | Origin.SCRATCH:
            return source.name


def _mount(mount: Mount, place: Place) -> Mount:
    if mount.origin:
        source = place.scope.origin(mount.origin, numbered=False)
        return mount.with_value(spell(source, place.names), "from")
    if place.environment.expand(mount.kind) not in ("bind", None):
        return mount
    return mount.with_value(move_source(mount.source, place.folder, place.environment), "source", "src")
