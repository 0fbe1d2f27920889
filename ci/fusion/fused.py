"""What fusing makes, as values: a text, and what stands where in it."""

import msgspec

from ci.dockerfile.arguments import pairs
from ci.dockerfile.parser import Instruction, parse_dockerfile
from ci.dockerfile.stages import ImageStage
from ci.fusion.rewrite import StageNaming
from ci.stack.model import Image

_HEREDOC_LINES_SHOWN = 3
MAKES_LAYERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the build context: `folder` of it ("" is its root) holds the source tree's folder `path`.

    Files that `ignore` matches are left out; the patterns are those of a .dockerignore, `!` included. All else is in.
    """

    folder: str
    path: str
    ignore: tuple[str, ...]


class FusedStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of the text."""

    name: str
    image: str
    base: str
    """What it is built on: the name of another stage, or a reference to a foreign image."""
    needs: tuple[str, ...]
    """The names of the stages it is built on, copies from and mounts from."""
    begin: int
    """The lines of the text up to and including its FROM."""


class FusedStep(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction of the text that changes files (RUN, COPY, ADD, WORKDIR) when its last stage is built."""

    image: str
    stage: str
    keyword: str
    command: str
    """The whole instruction on one line, as a person wrote it."""
    line: int
    """In the image's own Dockerfile; of the FROM for what a base had in onbuild by ONBUILD."""
    end: int
    """The lines of the text up to and including this instruction."""
    layers: int
    """How many layers the engine makes of it: one for each source of a COPY or ADD, else one."""


class Fused(msgspec.Struct, frozen=True, kw_only=True):
    """A Dockerfile whose last stage is the wanted image, and the contexts and stages that go with it."""

    text: str
    contexts: tuple[Context, ...]
    stages: tuple[FusedStage, ...]
    steps: tuple[FusedStep, ...]

    def cut(self, step: FusedStep) -> str:
        """Return the text up to a step. Built alone it ends with that step, so a RUN's output can be read."""
        return self.head(step.end)

    def head(self, lines: int) -> str:
        """Return the first lines of the text."""
        return "\n".join(self.text.split("\n")[:lines]) + "\n"


def fused_stage(image: Image, stage: ImageStage, words: StageNaming, begin: int) -> FusedStage:
    """Return a stage of a text whose FROM ends at line `begin`."""
    return FusedStage(
        name=words.names[image.name, stage.index],
        image=image.name,
        base=words.resolve(stage.base),
        needs=tuple(words.resolve(source) for source in stage.dependencies if words.is_stage(source)),
        begin=begin,
    )


def fused_step(image: Image, stage: ImageStage, name: str, made: Instruction, end: int) -> FusedStep:
    """Return a step of the stage `name` that ends at line `end` of the text."""
    is_own = made.path == image.dockerfile_path
    bodies = [body.strip() for heredoc in made.heredocs for body in heredoc.splitlines()]
    shown = bodies if len(bodies) <= _HEREDOC_LINES_SHOWN else [*bodies[:_HEREDOC_LINES_SHOWN], "…"]
    return FusedStep(
        image=image.name,
        stage=name,
        keyword=made.keyword,
        command=" ⏎ ".join([made.logical_line.spoken, *shown]),
        line=made.line if is_own else stage.source.line,
        end=end,
        layers=len(made.words) - 1 if made.keyword in {"COPY", "ADD"} else 1,
    )


class Layering(msgspec.Struct, frozen=True, kw_only=True):
    """The line of stages that an image is built on, from its foreign base up."""

    base: str
    begin: int
    """The lines of the fused text up to and including the FROM of that base."""
    stages: tuple[FusedStage, ...]
    """The stages of the line, the lowest first."""
    steps: tuple[FusedStep, ...]
    """What makes layers above the base, the lowest first."""


def layering(fused: Fused) -> Layering:
    """Follow the last stage down its line of FROM."""
    by_name = {stage.name: stage for stage in fused.stages}
    stage = fused.stages[-1]
    line = [stage]
    while stage.base in by_name:
        stage = by_name[stage.base]
        line.insert(0, stage)
    steps = tuple(step for one in line for step in fused.steps if step.stage == one.name)
    return Layering(base=stage.base, begin=stage.begin, stages=tuple(line), steps=steps)


def leaked_args(fused: Fused) -> tuple[str, ...]:
    """Return the names of ARGs along the image's line of FROM that no ENV sets. Sorted."""
    line = {stage.begin for stage in layering(fused).stages}
    arguments: set[str] = set()
    variables: set[str] = set()
    for stage in parse_dockerfile(fused.text, "the fused Dockerfile").stages:
        if stage.source.end not in line:
            continue
        for instruction in stage.body:
            if instruction.keyword == "ARG":
                arguments.update(name for name, _ in pairs(instruction))
            elif instruction.keyword == "ENV":
                variables.update(instruction.words[::2])
    return tuple(sorted(arguments - variables))
