"""One instruction in the words of a text that holds many images: other stage names, sources below a folder, values."""

import json
import posixpath
import re
from collections.abc import Collection, Mapping

import msgspec

from ci.dockerfile.arguments import put_values
from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import escape_flag, escape_word
from ci.dockerfile.mounts import Mount, put_mounts
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageStage, Origin, Scope, Source
from ci.fusion.substitutions import Substitutions
from ci.stack.model import Image

StageNames = Mapping[tuple[str, int], str]
"""The names of stages in the text by image and index; -1 is the image's last one."""


class StageNaming(msgspec.Struct, frozen=True, kw_only=True):
    """What sources are called in a text."""

    names: StageNames
    substitutions: Substitutions = Substitutions()

    def is_stage(self, source: Source) -> bool:
        """LogLine whether a source is a stage of the text."""
        is_built = source.origin is Origin.IMAGE and source.name not in self.substitutions.published
        return is_built or source.origin is Origin.STAGE

    def is_renamed(self, source: Source) -> bool:
        """LogLine whether a source is an image that has another name here than in Dockerfiles."""
        is_pinned = source.origin is Origin.FOREIGN and self.substitutions.pinned(source.name) != source.name
        return is_pinned or (source.origin is Origin.IMAGE and not self.is_stage(source))

    def resolve(self, source: Source) -> str:
        """Return what a source is called."""
        match source.origin:
            case Origin.STAGE:
                return self.names[source.name, source.stage]
            case Origin.IMAGE:
                return self.substitutions.published.get(source.name) or self.names[source.name, source.stage]
            case Origin.FOREIGN:
                return self.substitutions.pinned(source.name)
            case Origin.SCRATCH:
                return source.name


class RewriteContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instruction stands: its image, and what is known there."""

    image: Image
    scope: Scope
    words: StageNaming
    environment: Environment

    @property
    def folder(self) -> str:
        """The folder of the context that the image's sources are in."""
        return self.image.name

    def below(self, instruction: Instruction) -> "RewriteContext":
        """Return the place after an instruction."""
        after = self.environment.after(instruction, self.image.arguments)
        return self if after is self.environment else msgspec.structs.replace(self, environment=after)


def scope_of(image: Image, images: Collection[str]) -> Scope:
    """Return what names mean in an image's Dockerfile, beside images of those names."""
    return Scope(image=image.name, images=images, aliases=tuple(stage.alias for stage in image.stages))


def rewrite(instruction: Instruction, place: RewriteContext) -> str:
    """Return the text of an instruction other than FROM; unchanged if it draws on nothing by name, or waits."""
    match instruction.keyword:
        case "ARG":
            return put_values(instruction, place.image.arguments)
        case "COPY" if instruction.flag("from"):
            source = place.scope.origin(instruction.flag("from"), numbered=True)
            return put_origin(instruction, place.words.resolve(source))
        case "COPY" | "ADD":
            return put_sources(instruction, place.folder, place.environment)
        case "RUN":
            return put_mounts(instruction, lambda mount: _mount(mount, place))
        case _:
            return instruction.raw


def rename_origins(instruction: Instruction, scope: Scope, words: StageNaming) -> str:
    """Return the text of an instruction other than FROM in which only images outside have other names."""
    if instruction.keyword == "COPY" and instruction.flag("from"):
        source = scope.origin(instruction.flag("from"), numbered=True)
        return put_origin(instruction, words.resolve(source)) if words.is_renamed(source) else instruction.raw
    if instruction.keyword == "RUN":
        return put_mounts(instruction, lambda mount: _rename_origin(mount, scope, words))
    return instruction.raw


def _rename_origin(mount: Mount, scope: Scope, words: StageNaming) -> Mount:
    source = scope.origin(mount.origin, numbered=False)
    return mount.with_value(words.resolve(source), "from") if mount.origin and words.is_renamed(source) else mount


def write_from(stage: ImageStage, place: RewriteContext) -> str:
    """Return the line of FROM."""
    platform = stage.source.flag("platform")
    if platform:
        # The engine knows its platform best; what the Dockerfile itself declares is gone from the text.
        written = platform if place.image.arguments.only_automatic(platform) else stage.platform
        platform = f"--platform={written} "
    return f"FROM {platform}{place.words.resolve(stage.base)} AS {place.words.names[place.image.name, stage.index]}"


def _mount(mount: Mount, place: RewriteContext) -> Mount:
    if mount.origin:
        source = place.scope.origin(mount.origin, numbered=False)
        return mount.with_value(place.words.resolve(source), "from")
    if place.environment.expand(mount.kind) not in ("bind", None):
        return mount
    return mount.with_value(move_source(mount.source, place.folder, place.environment), "source", "src")


_REMOTE = re.compile(r"(https?|ssh|git)://|[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:", re.IGNORECASE)
_HEREDOC = re.compile(r"\d*<<-?[^<]+")
_PIVOT = "/./"


def put_origin(instruction: Instruction, origin: str) -> str:
    """Return the text of a COPY from a stage or image with another name for that."""
    flags = [flag for flag in instruction.tokens.flags if flag.text.startswith("--from=")]
    return instruction.logical_line.replace([(flag, escape_flag(f"--from={origin}")) for flag in flags])


def put_base(source: Instruction, base: str) -> str:
    """Return the text of a FROM with another base; its flags and its name stay as they are."""
    return source.logical_line.replace([(source.tokens.words[0], base)])


def put_sources(instruction: Instruction, folder: str, environment: Environment) -> str:
    """Return the text of a COPY or ADD from the build context with its sources in `folder` of the context."""
    move = move_with_parents if instruction.has_flag("parents") else move_source
    line, tokens = instruction.logical_line, instruction.tokens
    *sources, target = instruction.words
    moved = [
        word
        if (instruction.heredocs and _HEREDOC.fullmatch(word)) or _is_remote(word, environment)
        else move(word, folder, environment)
        for word in sources
    ]
    # A path that was written out may hold a blank, which only the form of JSON can.
    if instruction.json or any(char.isspace() for word in moved for char in word):
        return line.replace([(tokens.rest, json.dumps([*moved, target], ensure_ascii=False))])
    return line.replace([*zip(tokens.words, moved, strict=False)])


def _is_remote(word: str, environment: Environment) -> bool:
    value = environment.expand(word)
    return _REMOTE.match(word if value is None else value) is not None


def move_source(word: str, folder: str, environment: Environment) -> str:
    """Return a path of the context as a path below `folder`, in the spelling it had unless it climbs.

    `..` ends at the root of the context, as Docker has it: so that it does not lead into another folder, such a path
    is written out, which takes its variables' values.
    """
    value = environment.expand(word)
    if value is not None and _climbs(value):
        return escape_word(f"{folder}{_tidy(value)}")
    return f"{folder}/{_from_root(word)}"


def move_with_parents(word: str, folder: str, environment: Environment) -> str:
    """Return a source of `COPY --parents` below `folder`: the path that is kept begins after `/./`."""
    value = environment.expand(word)
    climbs = value is not None and _climbs(value)
    text = escape_word(value) if value is not None and climbs else word
    above, pivot, kept = text.partition(_PIVOT)
    if not pivot:
        above, kept = "", text
    if climbs:
        above, kept = _tidy(above), _tidy(kept)
    above = _from_root(above)
    return f"{folder}/{above}/./{_from_root(kept)}" if above else f"{folder}/./{_from_root(kept)}"


def _climbs(path: str) -> bool:
    return ".." in path.split("/")


def _tidy(path: str) -> str:
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _from_root(path: str) -> str:
    while path.startswith(("/", "./", "../")) or path in (".", ".."):
        path = path.partition("/")[2]
    return path
