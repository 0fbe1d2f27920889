"""Fuses the Dockerfiles of an image and of all images it needs into one.

So a parent and its children share layers and cache without a registry between them, and the engine works out what can
run in parallel. Each image has its own folder in the build context, and each stage a unique name. Nothing else changes.

Two differences to separate builds remain. A stage sees the ARGs of the stage it is built on, which a child of a
published image does not: so the last stage of a parent ends with an ARG that sets them all to the empty string. And an
ONBUILD instruction of a foreign base has the whole context as its source, not the folder of the image.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.arguments import replace_defaults
from ci.dockerfile.directives import builtin_syntax
from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import complete
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageStage, Origin, Scope, reachable
from ci.fusion.cache_folders import needs_cache_folders
from ci.fusion.engine_form import engine_form
from ci.fusion.fused import (
    MAKES_LAYERS,
    Context,
    Fused,
    FusedInstruction,
    FusedStage,
    FusedStep,
    fused_instruction,
    fused_stage,
    fused_step,
)
from ci.fusion.part import Part, PartWriter
from ci.fusion.rewrite import StageNaming, rename_origins, replace_base, scope_of
from ci.fusion.stage_names import own_stage_names, reserved_names, stage_names
from ci.fusion.substitutions import Substitutions
from ci.stack.image import Image, Images

_NOTHING = Substitutions()


def fuse(stack: Images, name: str, substitutions: Substitutions = _NOTHING) -> Fused:
    """Fuse an image with all images it needs. Without any, it keeps its text. KeyError for an unknown name."""
    return fuse_all(stack, (name,), substitutions)[name]


def fuse_all(stack: Images, wanted: Iterable[str], substitutions: Substitutions = _NOTHING) -> Mapping[str, Fused]:
    """Fuse several images, each with all images it needs. Common parts are made once.

    The text of a published image is one FROM; in other texts it is a base image.
    """
    writer = _Writer(stack, substitutions)
    return {name: writer.fuse(stack.by_name[name]) for name in wanted}


def _published(image: str, reference: str) -> Fused:
    """Return the text of an image that is used as published."""
    stage = FusedStage(name=image, image=image, base=reference, needs=(), begin=1)
    return Fused(text=f"FROM {reference}\n", contexts=(), stages=(stage,), steps=())


class _Writer:
    """Writes the texts of a stack. The part of a needed image is the same in all of them."""

    def __init__(self, stack: Images, substitutions: Substitutions) -> None:
        self._stack = stack
        self._published = substitutions.published
        # The engine runs the ONBUILD instructions of a published image with the whole context as their source, and
        # passes them on to the children of the image. So children of an image with any are built from its sources.
        published = {
            name: reference
            for name, reference in substitutions.published.items()
            if not stack.by_name[name].dockerfile.onbuild
        }
        self._substitutions = msgspec.structs.replace(substitutions, published=published)
        self._naming = StageNaming(names=stage_names(stack.images), substitutions=self._substitutions)
        self._reserved = {*reserved_names(stack.images), *self._naming.names.values()}
        self._needed: dict[str, Part] = {}

    def fuse(self, wanted: Image) -> Fused:
        if wanted.name in self._published:
            return _published(wanted.name, self._published[wanted.name])
        images = self._stack.closure([wanted.name], without=self._substitutions.published)
        if len(images) == 1 and not needs_cache_folders(one for stage in used_stages(wanted) for one in stage.body):
            return rewrite_single(wanted, scope_of(wanted, self._stack.references), self._substitutions)
        lines: list[str] = []
        stages: list[FusedStage] = []
        steps: list[FusedStep] = []
        instructions: list[FusedInstruction] = []
        for image in images:
            part = self._write_image(image) if image is wanted else self._write_needed(image)
            above = len(lines)
            stages.extend(msgspec.structs.replace(stage, begin=above + stage.begin) for stage in part.stages)
            steps.extend(msgspec.structs.replace(step, end=above + step.end) for step in part.steps)
            instructions.extend(msgspec.structs.replace(one, end=above + one.end) for one in part.instructions)
            lines.extend(part.lines)
        return Fused(
            text="\n".join(lines) + "\n",
            contexts=tuple(_context(image, image.name) for image in images),
            stages=tuple(stages),
            steps=tuple(steps),
            instructions=tuple(instructions),
        )

    def _write_needed(self, image: Image) -> Part:
        """Write an image that others need, with an ARG at its end that empties its ARGs."""
        found = self._needed.get(image.name)
        if found is None:
            part = self._write_image(image, is_needed=True)
            leaked = part.end.leaked_arguments
            emptied = ["ARG " + " ".join(f"{name}=" for name in leaked)] if leaked else []
            found = msgspec.structs.replace(part, lines=(*part.lines, *emptied), end=part.end.with_empty_arguments)
            self._needed[image.name] = found
        return found

    def _write_image(self, image: Image, *, is_needed: bool = False) -> Part:
        writer = PartWriter(image, scope_of(image, self._stack.references), self._naming, self._reserved)
        ends: dict[int, Environment] = {}
        for stage in used_stages(image):
            # The ONBUILDs of a stage are already part of the stages built on it. Only the image itself keeps them.
            keeps_onbuild = stage is image.stages[-1] and not is_needed
            body = [one for one in stage.body if one.keyword != "ONBUILD" or keeps_onbuild]
            epoch = self._substitutions.argument_line(image.name)
            ends[stage.index] = writer.write_stage(stage, body, self._initial(stage, ends), epoch)
        return writer.part(ends[len(image.stages) - 1])

    def _initial(self, stage: ImageStage, ends: Mapping[int, Environment]) -> Environment:
        match stage.base.origin:
            case Origin.STAGE:
                return ends[stage.base.stage].inherited
            case Origin.IMAGE:
                needed = self._needed.get(stage.base.name)
                return needed.end if needed else Environment(has_foreign_base=True)
            case Origin.FOREIGN | Origin.SCRATCH:
                return Environment(has_foreign_base=stage.base.origin is Origin.FOREIGN)


def rewrite_single(image: Image, scope: Scope, substitutions: Substitutions) -> Fused:
    """Return the text of an image that needs no other: its own. An epoch or a proxy adds a line after each FROM."""
    naming = StageNaming(names=own_stage_names(image), substitutions=substitutions)
    epoch = substitutions.argument_line(image.name)
    own = image.dockerfile.stages

    def line(number: int) -> int:
        return number + sum(stage.source.end < number for stage in own) if epoch else number

    reached = used_stages(image)
    return Fused(
        text="\n".join(_lines(image, scope, naming, epoch)),
        contexts=(_context(image, ""),),
        stages=tuple(fused_stage(image, stage, naming, line(stage.source.end)) for stage in reached),
        steps=tuple(
            fused_step(image, stage, naming.names[image.name, stage.index], instruction, line(instruction.end))
            for stage in reached
            for instruction in own[stage.index].body
            if instruction.keyword in MAKES_LAYERS
        ),
        instructions=tuple(fused_instruction(one, line(one.end)) for one in image.dockerfile.instructions),
    )


def used_stages(image: Image) -> Sequence[ImageStage]:
    """Return the last stage of an image and the stages that it depends on."""
    reached = reachable(image.stages)
    return [stage for stage in image.stages if stage.index in reached]


def _context(image: Image, folder: str) -> Context:
    return Context(folder=folder, path=image.context, ignore=image.ignore, ignore_file=image.ignore_file)


def _lines(image: Image, scope: Scope, naming: StageNaming, epoch: str) -> list[str]:
    lines = builtin_syntax(image.dockerfile.text).split("\n")
    mark = "\ufeff" if lines[0].startswith("\ufeff") else ""
    for one, text in _rewritten(image, scope, naming):
        # If the file ends after a continuation of a FROM, the epoch must not become part of the FROM.
        new = complete(text) if epoch and one.keyword == "FROM" and not one.logical_line.is_complete else text
        if new != one.raw:
            # A value may have fewer lines than the default had. Empty lines keep the numbers of the lines after it.
            height = one.end - one.line + 1
            changed = [*new.split("\n"), *[""] * height][:height]
            lines[one.line - 1 : one.end] = [(mark if one.line == 1 else "") + changed[0], *changed[1:]]
    if epoch:
        for stage in reversed(image.dockerfile.stages):
            lines.insert(stage.source.end, epoch)
    return lines


def _rewritten(image: Image, scope: Scope, naming: StageNaming) -> Iterator[tuple[Instruction, str]]:
    reached = reachable(image.stages)
    for one in image.dockerfile.arguments:
        yield one, replace_defaults(one, image.build_args)
    for stage, own in zip(image.stages, image.dockerfile.stages, strict=True):
        is_renamed = naming.is_renamed(stage.base)
        yield own.source, replace_base(own.source, naming.resolve(stage.base)) if is_renamed else own.source.raw
        for one in own.body:
            if one.keyword == "ARG":
                yield one, replace_defaults(one, image.build_args)
            else:
                form = engine_form(one, is_used=stage.index in reached)
                yield one, rename_origins(form, scope, naming)
