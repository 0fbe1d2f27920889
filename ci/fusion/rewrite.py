"""Rewrites one instruction for a text of many images: new stage names, sources in a subfolder, values of ARGs."""

import json
import posixpath
import re
from collections.abc import Mapping

import msgspec

from ci.dockerfile.arguments import replace_values
from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import escape_flag, escape_word
from ci.dockerfile.mounts import Mount, replace_mounts
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageNames, ImageStage, Origin, Scope, Source
from ci.fusion.cache_folders import from_folder
from ci.fusion.substitutions import Substitutions
from ci.stack.image import Image

StageNames = Mapping[tuple[str, int], str]
"""The names of stages in the text by image and index; -1 is the image's last stage."""


class StageNaming(msgspec.Struct, frozen=True, kw_only=True):
    """Resolves sources to the names that they have in a text."""

    names: StageNames
    substitutions: Substitutions = Substitutions()

    def is_stage(self, source: Source) -> bool:
        """Return whether a source is a stage of the text."""
        is_built = source.origin is Origin.IMAGE and source.name not in self.substitutions.published
        return is_built or source.origin is Origin.STAGE

    def is_renamed(self, source: Source) -> bool:
        """Return whether a source is an image with another name in the text than in Dockerfiles."""
        is_pinned = source.origin is Origin.FOREIGN and self.substitutions.pinned(source.name) != source.name
        return is_pinned or (source.origin is Origin.IMAGE and not self.is_stage(source))

    def resolve(self, source: Source) -> str:
        """Return the name of a source."""
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
    """What is needed to rewrite an instruction: its image, names, and the variables before it."""

    image: Image
    scope: Scope
    naming: StageNaming
    environment: Environment
    cache_folders: Mapping[Mount, str] = {}
    """The names of stages with the folders of cache mounts, by mount as written."""

    @property
    def folder(self) -> str:
        """The image's subfolder of the build context."""
        return self.image.name

    def after(self, instruction: Instruction) -> "RewriteContext":
        """Return the context for the next instruction."""
        after = self.environment.after(instruction, self.image.arguments)
        return self if after is self.environment else msgspec.structs.replace(self, environment=after)


def scope_of(image: Image, images: ImageNames) -> Scope:
    """Return the scope of an image's Dockerfile."""
    return Scope(image=image.name, images=images, aliases=tuple(stage.alias for stage in image.stages))


def rewrite(instruction: Instruction, context: RewriteContext) -> str:
    """Return the rewritten text of an instruction other than FROM. ONBUILD is not changed."""
    match instruction.keyword:
        case "ARG":
            return replace_values(instruction, context.image.arguments)
        case "COPY" if instruction.flag("from"):
            source = context.scope.origin(instruction.flag("from"), numbered=True)
            return replace_origin(instruction, context.naming.resolve(source))
        case "COPY" | "ADD":
            return move_sources(instruction, context.folder, context.environment)
        case "RUN":
            return replace_mounts(instruction, lambda mount: _mount(mount, context))
        case _:
            return instruction.raw


def rename_origins(instruction: Instruction, scope: Scope, naming: StageNaming) -> str:
    """Return the text of an instruction other than FROM with only its pinned and published images renamed."""
    if instruction.keyword == "COPY" and instruction.flag("from"):
        source = scope.origin(instruction.flag("from"), numbered=True)
        return replace_origin(instruction, naming.resolve(source)) if naming.is_renamed(source) else instruction.raw
    if instruction.keyword == "RUN":
        return replace_mounts(instruction, lambda mount: _rename_origin(mount, scope, naming))
    return instruction.raw


def _rename_origin(mount: Mount, scope: Scope, naming: StageNaming) -> Mount:
    source = scope.origin(mount.origin, numbered=False)
    return mount.with_value(naming.resolve(source), "from") if mount.origin and naming.is_renamed(source) else mount


def write_from(stage: ImageStage, context: RewriteContext) -> str:
    """Return the FROM of a stage."""
    naming = context.naming
    platform = stage.source.flag("platform")
    if platform:
        # Automatic variables are left to the engine. Global ARGs are not in the text, so their values are.
        written = platform if context.image.arguments.only_automatic(platform) else stage.platform
        platform = f"--platform={written} "
    return f"FROM {platform}{naming.resolve(stage.base)} AS {naming.names[context.image.name, stage.index]}"


def _mount(mount: Mount, context: RewriteContext) -> Mount:
    if mount in context.cache_folders:
        return from_folder(mount, context.cache_folders[mount])
    if mount.origin:
        source = context.scope.origin(mount.origin, numbered=False)
        return mount.with_value(context.naming.resolve(source), "from")
    if context.environment.expand(mount.kind) not in ("bind", None):
        return mount
    return mount.with_value(move_source(mount.source, context.folder, context.environment), "source", "src")


_REMOTE = re.compile(r"(https?|ssh|git)://|[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:", re.IGNORECASE)
_HEREDOC = re.compile(r"\d*<<-?[^<]+")
_PIVOT = "/./"


def replace_origin(instruction: Instruction, origin: str) -> str:
    """Return the text of a COPY with another `--from=`."""
    flags = [flag for flag in instruction.tokens.flags if flag.text.startswith("--from=")]
    return instruction.logical_line.replace([(flag, escape_flag(f"--from={origin}")) for flag in flags])


def replace_base(source: Instruction, base: str) -> str:
    """Return the text of a FROM with another base. Its flags and its name do not change."""
    return source.logical_line.replace([(source.tokens.words[0], base)])


def move_sources(instruction: Instruction, folder: str, environment: Environment) -> str:
    """Return the text of a COPY or ADD from the build context with its sources moved into `folder` of it."""
    move = move_with_parents if instruction.has_flag("parents") else move_source
    line, tokens = instruction.logical_line, instruction.tokens
    *sources, target = instruction.words
    moved = [
        word
        if (instruction.heredocs and _HEREDOC.fullmatch(word)) or _is_remote(word, environment)
        else move(word, folder, environment)
        for word in sources
    ]
    # An expanded path may contain a blank, which only the JSON form can express.
    if instruction.json or any(char.isspace() for word in moved for char in word):
        return line.replace([(tokens.rest, json.dumps([*moved, target], ensure_ascii=False))])
    return line.replace([*zip(tokens.words, moved, strict=False)])


def _is_remote(word: str, environment: Environment) -> bool:
    value = environment.expand(word)
    return _REMOTE.match(word if value is None else value) is not None


def move_source(word: str, folder: str, environment: Environment) -> str:
    """Return a path of the context as a path in `folder`, with its spelling unless it contains `..`.

    In Docker, `..` cannot leave the context. Here it could lead from one image's folder to another's, so such a path is
    written out, with its variables expanded.
    """
    value = environment.expand(word)
    if value is not None and _has_parent_step(value):
        return escape_word(f"{folder}{_tidy(value)}")
    return f"{folder}/{_from_root(word)}"


def move_with_parents(word: str, folder: str, environment: Environment) -> str:
    """Return a source of `COPY --parents` moved into `folder`. COPY keeps the part of the path after `/./`."""
    value = environment.expand(word)
    has_parent_step = value is not None and _has_parent_step(value)
    text = escape_word(value) if value is not None and has_parent_step else word
    above, pivot, kept = text.partition(_PIVOT)
    if not pivot:
        above, kept = "", text
    if has_parent_step:
        above, kept = _tidy(above), _tidy(kept)
    above = _from_root(above)
    return f"{folder}/{above}/./{_from_root(kept)}" if above else f"{folder}/./{_from_root(kept)}"


def _has_parent_step(path: str) -> bool:
    return ".." in path.split("/")


def _tidy(path: str) -> str:
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _from_root(path: str) -> str:
    while path.startswith(("/", "./", "../")) or path in (".", ".."):
        path = path.partition("/")[2]
    return path
