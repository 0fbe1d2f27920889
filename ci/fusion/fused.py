"""The result of fusing, as values: a text, and the lines of its stages and steps."""

from collections.abc import Iterator

import msgspec

from ci.dockerfile.arguments import pairs
from ci.dockerfile.dockerignore import IgnorePatterns
from ci.dockerfile.mounts import mounts
from ci.dockerfile.parser import Instruction, parse_dockerfile
from ci.dockerfile.secret_mounts import ssh_mounts
from ci.dockerfile.stages import ImageStage
from ci.fusion.rewrite import StageNaming
from ci.stack.image import Image

_HEREDOC_LINES_SHOWN = 3
MAKES_LAYERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the build context: its `folder` ("" is the root) has the content of the source tree's folder `path`.

    `ignore` are .dockerignore patterns, with `!`: files that they match are excluded.
    """

    folder: str
    path: str
    ignore: tuple[str, ...]
    ignore_file: str = ""
    """The .dockerignore with these patterns; empty if there is none."""

    def excludes(self, path: str) -> bool:
        """Return whether a path, relative to the folder, is excluded."""
        return IgnorePatterns(self.ignore).match(path)


class FusedStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of the text."""

    name: str
    image: str
    base: str
    """What it is built on: the name of another stage, or the reference of a foreign image."""
    needs: tuple[str, ...]
    """The names of the stages it is built on, copies from and mounts from."""
    begin: int
    """How many lines the text has up to and including its FROM."""


class FusedStep(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction of the text that changes files: RUN, COPY, ADD or WORKDIR."""

    image: str
    stage: str
    keyword: str
    command: str
    """The whole instruction on one line, as written in the Dockerfile."""
    line: int
    """Its line number in the image's Dockerfile. For an ONBUILD instruction of the base, the line of the FROM."""
    end: int
    """How many lines the text has up to and including this instruction."""
    layers: int
    """How many layers the engine makes of it: one for each source of a COPY or ADD, otherwise one."""
    origins: tuple[tuple[str, str], ...] = ()
    """What it copies or mounts from stages and images: the path there and the `from=`, both as written."""


class FusedInstruction(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instruction of the text comes from."""

    end: int
    """How many lines the text has up to and including it."""
    path: str
    line: int
    keyword: str
    command: str
    """The whole instruction on one line, as written."""


class Fused(msgspec.Struct, frozen=True, kw_only=True):
    """A Dockerfile whose last stage is the wanted image, with its build contexts, stages and steps."""

    text: str
    contexts: tuple[Context, ...]
    stages: tuple[FusedStage, ...]
    steps: tuple[FusedStep, ...]
    instructions: tuple[FusedInstruction, ...] = ()
    """All instructions of the text in its order, except for those that Dockerfiles do not have."""

    def cut(self, step: FusedStep) -> str:
        """Return the text up to a step. A build of it ends with that step, so that a RUN's output can be read."""
        return self.head(step.end)

    def instruction_at(self, line: int) -> FusedInstruction | None:
        """Return the instruction at a line of the text; the next one for a line that no Dockerfile has."""
        return next((one for one in self.instructions if one.end >= line), None)

    def head(self, lines: int) -> str:
        """Return the first lines of the text."""
        return "\n".join(self.text.split("\n")[:lines]) + "\n"


def fused_stage(image: Image, stage: ImageStage, naming: StageNaming, begin: int) -> FusedStage:
    """Return the FusedStage for a stage whose FROM ends at line `begin` of the text."""
    return FusedStage(
        name=naming.names[image.name, stage.index],
        image=image.name,
        base=naming.resolve(stage.base),
        needs=tuple(naming.resolve(source) for source in stage.dependencies if naming.is_stage(source)),
        begin=begin,
    )


def fused_instruction(instruction: Instruction, end: int) -> FusedInstruction:
    """Return the FusedInstruction for an instruction that ends at line `end` of the text."""
    return FusedInstruction(
        end=end,
        path=instruction.path,
        line=instruction.line,
        keyword=instruction.keyword,
        command=instruction.logical_line.as_one_line,
    )


def fused_step(image: Image, stage: ImageStage, name: str, instruction: Instruction, end: int) -> FusedStep:
    """Return the FusedStep for an instruction of the stage `name` that ends at line `end` of the text."""
    is_own = instruction.path == image.dockerfile_path
    bodies = [body.strip() for heredoc in instruction.heredocs for body in heredoc.splitlines()]
    shown = bodies if len(bodies) <= _HEREDOC_LINES_SHOWN else [*bodies[:_HEREDOC_LINES_SHOWN], "…"]
    return FusedStep(
        image=image.name,
        stage=name,
        keyword=instruction.keyword,
        command=" ⏎ ".join([instruction.logical_line.as_one_line, *shown]),
        line=instruction.line if is_own else stage.source.line,
        end=end,
        layers=len(instruction.words) - 1 if instruction.keyword in {"COPY", "ADD"} else 1,
        origins=tuple(_origins(instruction)),
    )


def _origins(instruction: Instruction) -> Iterator[tuple[str, str]]:
    if instruction.keyword == "COPY" and instruction.flag("from"):
        yield from ((word, instruction.flag("from")) for word in instruction.words[:-1])
    elif instruction.keyword == "RUN":
        yield from ((mount.source, mount.origin) for mount in mounts(instruction) if mount.origin)


class Layering(msgspec.Struct, frozen=True, kw_only=True):
    """The chain of stages that an image is built on by FROM, and its foreign base."""

    base: str
    begin: int
    """How many lines the text has up to and including the FROM of that base."""
    stages: tuple[FusedStage, ...]
    """The stages of the chain, from the base up."""
    steps: tuple[FusedStep, ...]
    """The steps that add layers to the base, from the base up."""


def layering(fused: Fused) -> Layering:
    """Follow FROM from the last stage down to the foreign base."""
    by_name = {stage.name: stage for stage in fused.stages}
    stage = fused.stages[-1]
    chain = [stage]
    while stage.base in by_name:
        stage = by_name[stage.base]
        chain.insert(0, stage)
    steps = tuple(step for one in chain for step in fused.steps if step.stage == one.name)
    return Layering(base=stage.base, begin=stage.begin, stages=tuple(chain), steps=steps)


def leaked_args(fused: Fused) -> tuple[str, ...]:
    """Return the names of ARGs in the image's chain of stages that no ENV sets, and the one of SSH mounts, sorted.

    The engine leaves them in the configuration of the image; Docker does not.
    """
    begins = {stage.begin for stage in layering(fused).stages}
    arguments: set[str] = set()
    variables: set[str] = set()
    for stage in parse_dockerfile(fused.text, "the fused Dockerfile").stages:
        if stage.source.end not in begins:
            continue
        for instruction in stage.body:
            if instruction.keyword == "ARG":
                arguments.update(name for name, _ in pairs(instruction))
            elif instruction.keyword == "ENV":
                variables.update(instruction.words[::2])
            elif any(ssh_mounts([instruction])):
                arguments.add("SSH_AUTH_SOCK")
    return tuple(sorted(arguments - variables))
