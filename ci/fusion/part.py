"""Writes the part of a fused text that comes from one image."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import complete
from ci.dockerfile.mounts import Mount
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageStage, Scope
from ci.fusion.cache_folders import CacheFolder, cache_folders
from ci.fusion.engine_form import engine_form
from ci.fusion.fused import (
    MAKES_LAYERS,
    FusedInstruction,
    FusedStage,
    FusedStep,
    fused_instruction,
    fused_stage,
    fused_step,
)
from ci.fusion.rewrite import RewriteContext, StageNaming, rewrite, write_from
from ci.fusion.stage_names import unused_name
from ci.stack.image import Image


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a text that comes from one image. Line numbers are relative to the part."""

    lines: tuple[str, ...]
    stages: tuple[FusedStage, ...]
    steps: tuple[FusedStep, ...]
    instructions: tuple[FusedInstruction, ...]
    end: Environment
    """The variables at the end of its last stage."""


class PartWriter:
    """Writes the stages of one image. `reserved` are names that stages of its own making may not have."""

    def __init__(self, image: Image, scope: Scope, naming: StageNaming, reserved: Collection[str]) -> None:
        self._image = image
        self._scope = scope
        self._naming = naming
        self._taken = set(reserved)
        self._folders: dict[CacheFolder, str] = {}
        self._lines = [f"# {image.name}: {image.dockerfile_path}"]
        self._stages: list[FusedStage] = []
        self._steps: list[FusedStep] = []
        self._instructions: list[FusedInstruction] = []

    def part(self, end: Environment) -> Part:
        """Return all that was written."""
        return Part(
            lines=tuple(self._lines),
            stages=tuple(self._stages),
            steps=tuple(self._steps),
            instructions=tuple(self._instructions),
            end=end,
        )

    def write_stage(
        self, stage: ImageStage, body: Sequence[Instruction], environment: Environment, epoch: str
    ) -> Environment:
        """Write a stage with these instructions, and the line `epoch` below its FROM; return the variables at its end.

        `environment` are the variables at its beginning.
        """
        context = RewriteContext(image=self._image, scope=self._scope, naming=self._naming, environment=environment)
        source = write_from(stage, context)
        folders = self._write_cache_folders(body, context, source.rpartition(" AS ")[0])
        self._write(stage.source, [source])
        self._stages.append(fused_stage(self._image, stage, self._naming, len(self._lines)))
        self._lines.extend(filter(None, [epoch]))
        for instruction, of_mounts in zip(body, folders, strict=True):
            self._write(instruction, _rewritten(instruction, msgspec.structs.replace(context, cache_folders=of_mounts)))
            if instruction.keyword in MAKES_LAYERS:
                name = self._stages[-1].name
                self._steps.append(fused_step(self._image, stage, name, instruction, len(self._lines)))
            context = context.after(instruction)
        return context.environment

    def _write(self, instruction: Instruction, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        self._instructions.append(fused_instruction(instruction, len(self._lines)))

    def _write_cache_folders(
        self, body: Sequence[Instruction], context: RewriteContext, base: str
    ) -> Sequence[Mapping[Mount, str]]:
        """Write the stages with the folders of cache mounts; return their names by mount, for each instruction."""
        found: list[Mapping[Mount, str]] = []
        variables = [base]
        for instruction in body:
            folders = cache_folders(instruction, context.environment, variables)
            found.append({mount: self._stage_with(folder) for mount, folder in folders})
            if instruction.keyword in ("ARG", "ENV"):
                variables.extend(_rewritten(instruction, context))
            context = context.after(instruction)
        return found

    def _stage_with(self, folder: CacheFolder) -> str:
        if folder not in self._folders:
            name, empty, image = (self._new_name(kind) for kind in ("cache", "cache-empty", "cache-image"))
            self._lines.extend(folder.lines(name, empty, image))
            self._folders[folder] = name
        return self._folders[folder]

    def _new_name(self, kind: str) -> str:
        return unused_name(f"{self._image.name}.{kind}", self._taken)


def _rewritten(instruction: Instruction, context: RewriteContext) -> Sequence[str]:
    text = rewrite(engine_form(instruction), context)
    return (text if instruction.logical_line.is_complete else complete(text)).split("\n")
