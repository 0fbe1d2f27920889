"""One Dockerfile made of those of an image and of all images it needs.

So parent and child share layers and cache with no registry between them, and the engine works out what can run side by
side. Every image has a folder of the build context of its own; stages have names of their own; nothing else changes.

Two things are beyond a text. A stage sees the ARGs of the stage it is built on, which a child of a published image does
not: the last stage of a parent therefore ends by emptying its ARGs, so a child sees an empty one at most. And what a
foreign base has in waiting by ONBUILD runs with the sources of the whole context.
"""

from collections.abc import Iterable, Mapping

import msgspec

from ci.stack.arguments import put_build_args
from ci.stack.dockerfile import Instruction
from ci.stack.environment import Environment
from ci.stack.lexing import ended, join
from ci.stack.model import Image, Stack
from ci.stack.naming import own_stage_names, stage_names
from ci.stack.rewriting import Place, StageNames, rewrite, scope_of, spell, write_from
from ci.stack.stages import ImageStage, Origin, reachable

_HEREDOC_LINES_SHOWN = 3
_MAKES_LAYERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


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
    """In the image's own Dockerfile; of the FROM for what a base had in waiting by ONBUILD."""
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


def fuse(stack: Stack, name: str) -> Fused:
    """Fuse an image with all it needs. One that needs no other image keeps its text. KeyError for an unknown name."""
    return fuse_all(stack, (name,))[name]


def fuse_all(stack: Stack, wanted: Iterable[str]) -> Mapping[str, Fused]:
    """Fuse several images, each with all it needs. What is the same for all is worked out once."""
    writer = _Writer(stack)
    images = {name: stack.by_name[name] for name in wanted}
    return {name: writer.fuse(image) if image.needs else _alone(image) for name, image in images.items()}


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """What an image adds to a text. Its lines are counted from its own first one."""

    lines: tuple[str, ...]
    stages: tuple[FusedStage, ...]
    steps: tuple[FusedStep, ...]
    end: Environment
    """What is known of the variables at the end of its last stage."""


class _Writer:
    """Writes the texts of a stack. The part of an image that others need is the same in each of theirs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._names = stage_names(stack.images)
        self._needed: dict[str, _Part] = {}

    def fuse(self, wanted: Image) -> Fused:
        images = self._stack.closure([wanted.name])
        lines: list[str] = []
        stages: list[FusedStage] = []
        steps: list[FusedStep] = []
        for image in images:
            part = self._write_image(image) if image is wanted else self._write_needed(image)
            above = len(lines)
            stages.extend(msgspec.structs.replace(stage, begin=above + stage.begin) for stage in part.stages)
            steps.extend(msgspec.structs.replace(step, end=above + step.end) for step in part.steps)
            lines.extend(part.lines)
        return Fused(
            text="\n".join(lines) + "\n",
            contexts=tuple(Context(folder=image.name, path=image.context, ignore=image.ignore) for image in images),
            stages=tuple(stages),
            steps=tuple(steps),
        )

    def _write_needed(self, image: Image) -> _Part:
        """Write an image that others need, which are written after it: its ARGs are emptied at its end."""
        found = self._needed.get(image.name)
        if found is None:
            part = self._write_image(image, is_needed=True)
            emptied = ["ARG " + " ".join(f"{name}=" for name in part.end.leaked)] if part.end.leaked else []
            found = msgspec.structs.replace(part, lines=(*part.lines, *emptied), end=part.end.emptied)
            self._needed[image.name] = found
        return found

    def _write_image(self, image: Image, *, is_needed: bool = False) -> _Part:
        lines = [f"# {image.name}: {image.dockerfile_path}"]
        stages: list[FusedStage] = []
        steps: list[FusedStep] = []
        ends: dict[int, Environment] = {}
        scope = scope_of(image, self._stack.by_name)
        for stage in image.stages:
            if stage.index not in reachable(image.stages):
                continue
            environment = self._beginning(stage, ends)
            place = Place(image=image, scope=scope, names=self._names, environment=environment)
            lines.append(write_from(stage, place))
            stages.append(_fused_stage(image, stage, self._names, len(lines)))
            # What waits in a stage has been put into the stages built on it. It stays where it must reach the image.
            keeps_waiting = stage is image.stages[-1] and not is_needed
            for instruction in stage.body:
                if instruction.keyword == "ONBUILD" and not keeps_waiting:
                    continue
                lines.extend(ended(rewrite(instruction, place)).split("\n"))
                if instruction.keyword in _MAKES_LAYERS:
                    steps.append(_step(image, stage, stages[-1].name, instruction, len(lines)))
                place = place.below(instruction)
            ends[stage.index] = place.environment
        return _Part(lines=tuple(lines), stages=tuple(stages), steps=tuple(steps), end=ends[len(image.stages) - 1])

    def _beginning(self, stage: ImageStage, ends: Mapping[int, Environment]) -> Environment:
        match stage.base.origin:
            case Origin.STAGE:
                return ends[stage.base.stage].below
            case Origin.IMAGE:
                return self._needed[stage.base.name].end
            case Origin.FOREIGN | Origin.SCRATCH:
                return Environment(open=stage.base.origin is Origin.FOREIGN)


def _alone(image: Image) -> Fused:
    """Return an image's own text, with no change but its build args in the place of the defaults of ARGs."""
    names = own_stage_names(image)
    reached = [stage for stage in image.stages if stage.index in reachable(image.stages)]
    return Fused(
        text=_with_build_args(image),
        contexts=(Context(folder="", path=image.context, ignore=image.ignore),),
        stages=tuple(
            _fused_stage(image, stage, names, image.dockerfile.stages[stage.index].source.end) for stage in reached
        ),
        steps=tuple(
            _step(image, stage, names[image.name, stage.index], instruction, instruction.end)
            for stage in reached
            for instruction in image.dockerfile.stages[stage.index].body
            if instruction.keyword in _MAKES_LAYERS
        ),
    )


def _with_build_args(image: Image) -> str:
    lines = image.dockerfile.text.split("\n")
    mark = "\ufeff" if lines[0].startswith("\ufeff") else ""
    for one in image.dockerfile.instructions:
        if one.keyword == "ARG":
            new = put_build_args(one, image.build_args)
            if new != one.raw:
                # A value may take fewer lines than the default did: those below keep their numbers.
                height = one.end - one.line + 1
                changed = [*new.split("\n"), *[""] * height][:height]
                lines[one.line - 1 : one.end] = [(mark if one.line == 1 else "") + changed[0], *changed[1:]]
    return "\n".join(lines)


def _fused_stage(image: Image, stage: ImageStage, names: StageNames, begin: int) -> FusedStage:
    return FusedStage(
        name=names[image.name, stage.index],
        image=image.name,
        base=spell(stage.base, names),
        needs=tuple(
            names[source.name, source.stage] for source in stage.draws if source.origin in (Origin.STAGE, Origin.IMAGE)
        ),
        begin=begin,
    )


def _step(image: Image, stage: ImageStage, name: str, made: Instruction, end: int) -> FusedStep:
    is_own = made.path == image.dockerfile_path
    line = join(made.raw)
    bodies = [body.strip() for heredoc in made.heredocs for body in heredoc.splitlines()]
    shown = bodies if len(bodies) <= _HEREDOC_LINES_SHOWN else [*bodies[:_HEREDOC_LINES_SHOWN], "…"]
    return FusedStep(
        image=image.name,
        stage=name,
        keyword=made.keyword,
        command=" ⏎ ".join([line.spoken, *shown]),
        line=made.line if is_own else stage.source.line,
        end=end,
        layers=len(made.words) - 1 if made.keyword in {"COPY", "ADD"} else 1,
    )
