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
from ci.stack.configuration import without_files
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

    @property
    def configuration(self) -> str:
        """The text of the same image without its files.

        The engine leaves the ARGs that a RUN saw in the environment of the image, which Docker does not. Built from
        this text nothing is run, so the image has the right configuration; the files of the other belong on it.
        """
        return without_files(self.text)

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
    names = stage_names(stack.images)
    images = {name: stack.by_name[name] for name in wanted}
    return {
        name: _Fusion(stack, names, name).fused() if image.needs else _alone(image) for name, image in images.items()
    }


class _Fusion:
    """The text while it is written, image by image, the needed ones first."""

    def __init__(self, stack: Stack, names: StageNames, wanted: str) -> None:
        self._stack = stack
        self._names = names
        self._wanted = wanted
        self._images = stack.closure([wanted])
        self._lines: list[str] = []
        self._stages: list[FusedStage] = []
        self._steps: list[FusedStep] = []
        self._left: dict[str, Environment] = {}
        """What each image leaves to its children."""

    def fused(self) -> Fused:
        for image in self._images:
            self._write_image(image)
        return Fused(
            text="\n".join(self._lines) + "\n",
            contexts=tuple(
                Context(folder=image.name, path=image.context, ignore=image.ignore) for image in self._images
            ),
            stages=tuple(self._stages),
            steps=tuple(self._steps),
        )

    def _write_image(self, image: Image) -> None:
        self._lines.append(f"# {image.name}: {image.dockerfile_path}")
        reached = reachable(image.stages)
        ends: dict[int, Environment] = {}
        for stage in image.stages:
            if stage.index in reached:
                ends[stage.index] = self._write_stage(image, stage, ends)
        end = ends[len(image.stages) - 1]
        if image.name != self._wanted and end.leaked:
            self._lines.append("ARG " + " ".join(f"{name}=" for name in end.leaked))
        self._left[image.name] = end.emptied

    def _write_stage(self, image: Image, stage: ImageStage, ends: Mapping[int, Environment]) -> Environment:
        """Write a stage; return what is known of its variables at its end."""
        place = Place(
            image=image,
            scope=scope_of(image, self._stack.by_name),
            names=self._names,
            environment=self._beginning(stage, ends),
        )
        name = self._names[image.name, stage.index]
        self._lines.append(write_from(stage, place))
        self._stages.append(_fused_stage(image, stage, self._names, len(self._lines)))
        is_wanted = image.name == self._wanted and stage is image.stages[-1]
        for instruction in stage.body:
            # What waits in a stage has been put into the stages built on it. It stays where it must reach the image.
            if instruction.keyword == "ONBUILD":
                if is_wanted:
                    self._lines.extend(instruction.raw.split("\n"))
                continue
            self._lines.extend(ended(rewrite(instruction, place)).split("\n"))
            if instruction.keyword in _MAKES_LAYERS:
                self._steps.append(_step(image, stage, name, instruction, len(self._lines)))
            place = place.below(instruction)
        return place.environment

    def _beginning(self, stage: ImageStage, ends: Mapping[int, Environment]) -> Environment:
        match stage.base.origin:
            case Origin.STAGE:
                return ends[stage.base.stage].below
            case Origin.IMAGE:
                return self._left[stage.base.name]
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
