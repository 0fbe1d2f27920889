"""One Dockerfile made of those of an image and of all images it needs.

So parent and child share layers and cache with no registry between them, and the engine works out what can run side by
side. Every image has a folder of the build context of its own; stages have names of their own; nothing else changes.

Two things are beyond a text. A stage sees the ARGs of the stage it is built on, which a child of a published image does
not: the last stage of a parent therefore ends by emptying its ARGs, so a child sees an empty one at most. And what a
foreign base has in onbuild by ONBUILD runs with the sources of the whole context.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ci.dockerfile.arguments import put_build_args
from ci.dockerfile.environment import Environment
from ci.dockerfile.lexer import ended
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import ImageStage, Origin, Scope, reachable
from ci.fusion.fused import MAKES_LAYERS, Context, Fused, FusedStage, FusedStep, fused_stage, fused_step
from ci.fusion.rewrite import RewriteContext, StageNaming, put_base, rename_origins, rewrite, scope_of, write_from
from ci.fusion.stage_names import own_stage_names, stage_names
from ci.fusion.substitutions import Substitutions
from ci.stack.model import Image, Stack

_NOTHING = Substitutions()


def fuse(stack: Stack, name: str, substitutions: Substitutions = _NOTHING) -> Fused:
    """Fuse an image with all it needs. One that needs no other image keeps its text. KeyError for an unknown name."""
    return fuse_all(stack, (name,), substitutions)[name]


def fuse_all(stack: Stack, wanted: Iterable[str], substitutions: Substitutions = _NOTHING) -> Mapping[str, Fused]:
    """Fuse several images, each with all it needs. What is the same for all is worked out once.

    A published image is no part of a text but its own, which is a line of FROM.
    """
    writer = _Writer(stack, substitutions)
    return {name: writer.fuse(stack.by_name[name]) for name in wanted}


def _published(image: str, reference: str) -> Fused:
    """Return the text of an image that is taken as it is published."""
    stage = FusedStage(name=image, image=image, base=reference, needs=(), begin=1)
    return Fused(text=f"FROM {reference}\n", contexts=(), stages=(stage,), steps=())


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """What an image adds to a text. Its lines are counted from its own first one."""

    lines: tuple[str, ...]
    stages: tuple[FusedStage, ...]
    steps: tuple[FusedStep, ...]
    end: Environment
    """What is known of the variables at the end of its last stage."""


class _Writer:
    """Writes the texts of a stack. The part of an image that others need is the same in each of theirs."""

    def __init__(self, stack: Stack, substitutions: Substitutions) -> None:
        self._stack = stack
        self._taken = substitutions.published
        # What waits in a published image by ONBUILD the engine runs with the sources of the whole context, and hands it
        # on once more to the image's children. So an image in which something waits is built from its sources.
        published = {
            name: reference
            for name, reference in substitutions.published.items()
            if not stack.by_name[name].dockerfile.onbuild
        }
        self._using = msgspec.structs.replace(substitutions, published=published)
        self._words = StageNaming(names=stage_names(stack.images), substitutions=self._using)
        self._needed: dict[str, _Part] = {}

    def fuse(self, wanted: Image) -> Fused:
        if wanted.name in self._taken:
            return _published(wanted.name, self._taken[wanted.name])
        images = self._stack.closure([wanted.name], without=self._using.published)
        if len(images) == 1:
            return rewrite_single(wanted, scope_of(wanted, self._stack.by_name), self._using)
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
            place = RewriteContext(image=image, scope=scope, words=self._words, environment=environment)
            lines.append(write_from(stage, place))
            stages.append(fused_stage(image, stage, self._words, len(lines)))
            lines.extend(filter(None, [self._using.epoch_line(image.name)]))
            # What waits in a stage has been put into the stages built on it. It stays where it must reach the image.
            keeps_onbuild = stage is image.stages[-1] and not is_needed
            for instruction in stage.body:
                if instruction.keyword == "ONBUILD" and not keeps_onbuild:
                    continue
                text = rewrite(instruction, place)
                lines.extend((text if instruction.logical_line.ended else ended(text)).split("\n"))
                if instruction.keyword in MAKES_LAYERS:
                    steps.append(fused_step(image, stage, stages[-1].name, instruction, len(lines)))
                place = place.below(instruction)
            ends[stage.index] = place.environment
        return _Part(lines=tuple(lines), stages=tuple(stages), steps=tuple(steps), end=ends[len(image.stages) - 1])

    def _beginning(self, stage: ImageStage, ends: Mapping[int, Environment]) -> Environment:
        match stage.base.origin:
            case Origin.STAGE:
                return ends[stage.base.stage].below
            case Origin.IMAGE:
                needed = self._needed.get(stage.base.name)
                return needed.end if needed else Environment(open=True)
            case Origin.FOREIGN | Origin.SCRATCH:
                return Environment(open=stage.base.origin is Origin.FOREIGN)


def rewrite_single(image: Image, scope: Scope, substitutions: Substitutions) -> Fused:
    """Return an image's own text. An epoch adds a line below each FROM."""
    words = StageNaming(names=own_stage_names(image), substitutions=substitutions)
    epoch = substitutions.epoch_line(image.name)
    own = image.dockerfile.stages

    def line(above: int) -> int:
        return above + sum(stage.source.end < above for stage in own) if epoch else above

    reached = [stage for stage in image.stages if stage.index in reachable(image.stages)]
    return Fused(
        text="\n".join(_lines(image, scope, words, epoch)),
        contexts=(Context(folder="", path=image.context, ignore=image.ignore),),
        stages=tuple(fused_stage(image, stage, words, line(stage.source.end)) for stage in reached),
        steps=tuple(
            fused_step(image, stage, words.names[image.name, stage.index], instruction, line(instruction.end))
            for stage in reached
            for instruction in own[stage.index].body
            if instruction.keyword in MAKES_LAYERS
        ),
    )


def _lines(image: Image, scope: Scope, words: StageNaming, epoch: str) -> list[str]:
    lines = image.dockerfile.text.split("\n")
    mark = "\ufeff" if lines[0].startswith("\ufeff") else ""
    for one, text in _rewritten(image, scope, words):
        # A file may end within a FROM, which must not take the epoch in.
        new = ended(text) if epoch and one.keyword == "FROM" and not one.logical_line.ended else text
        if new != one.raw:
            # A value may take fewer lines than the default did: those below keep their numbers.
            height = one.end - one.line + 1
            changed = [*new.split("\n"), *[""] * height][:height]
            lines[one.line - 1 : one.end] = [(mark if one.line == 1 else "") + changed[0], *changed[1:]]
    if epoch:
        for stage in reversed(image.dockerfile.stages):
            lines.insert(stage.source.end, epoch)
    return lines


def _rewritten(image: Image, scope: Scope, words: StageNaming) -> Iterator[tuple[Instruction, str]]:
    for one in image.dockerfile.arguments:
        yield one, put_build_args(one, image.build_args)
    for stage, own in zip(image.stages, image.dockerfile.stages, strict=True):
        is_renamed = words.is_renamed(stage.base)
        yield own.source, put_base(own.source, words.resolve(stage.base)) if is_renamed else own.source.raw
        for one in own.body:
            is_argument = one.keyword == "ARG"
            yield one, put_build_args(one, image.build_args) if is_argument else rename_origins(one, scope, words)
