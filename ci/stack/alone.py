"""The text of an image that needs no other image to be built: its own, in the place of which nothing else is put.

Only what the text says of the world may change: the defaults of ARGs, and what an image outside is called.
"""

from collections.abc import Mapping

from ci.stack.arguments import put_build_args
from ci.stack.dockerfile import Instruction
from ci.stack.environment import Environment
from ci.stack.fused import MAKES_LAYERS, Context, Fused, fused_stage, fused_step
from ci.stack.model import Image
from ci.stack.naming import own_stage_names
from ci.stack.rewriting import Place, Words, name_origins, write_from
from ci.stack.stages import Scope, reachable
from ci.stack.using import Using


def fuse_alone(image: Image, scope: Scope, using: Using) -> Fused:
    """Return an image's own text. Its lines are those of its Dockerfile, with one more below each FROM in an epoch."""
    words = Words(names=own_stage_names(image), using=using)
    epoch = using.epoch_line(image.name)
    froms = [stage.source.end for stage in image.dockerfile.stages]

    def line(own: int) -> int:
        return own + sum(above < own for above in froms) if epoch else own

    reached = [stage for stage in image.stages if stage.index in reachable(image.stages)]
    own_stages = image.dockerfile.stages
    return Fused(
        text="\n".join(_lines(image, Place(image=image, scope=scope, words=words, environment=Environment(open=True)), epoch)),
        contexts=(Context(folder="", path=image.context, ignore=image.ignore),),
        stages=tuple(fused_stage(image, stage, words, line(own_stages[stage.index].source.end)) for stage in reached),
        steps=tuple(
            fused_step(image, stage, words.names[image.name, stage.index], instruction, line(instruction.end))
            for stage in reached
            for instruction in own_stages[stage.index].body
            if instruction.keyword in MAKES_LAYERS
        ),
    )


def _lines(image: Image, place: Place, epoch: str) -> list[str]:
    lines = image.dockerfile.text.split("\n")
    mark = "\ufeff" if lines[0].startswith("\ufeff") else ""
    froms = _froms(image, place)
    for one in image.dockerfile.instructions:
        new = froms.get(one.line) or _rewritten(one, place)
        if new != one.raw:
            # A value may take fewer lines than the default did: those below keep their numbers.
            height = one.end - one.line + 1
            changed = [*new.split("\n"), *[""] * height][:height]
            lines[one.line - 1 : one.end] = [(mark if one.line == 1 else "") + changed[0], *changed[1:]]
    if epoch:
        for stage in reversed(image.dockerfile.stages):
            lines.insert(stage.source.end, epoch)
    return lines


def _froms(image: Image, place: Place) -> Mapping[int, str]:
    """Return the lines of FROM that name an image by another name than the Dockerfile does."""
    return {
        stage.source.line: write_from(stage, place) if stage.alias else write_from(stage, place).rpartition(" AS ")[0]
        for stage in image.stages
        if place.words.is_renamed(stage.base)
    }


def _rewritten(instruction: Instruction, place: Place) -> str:
    if instruction.keyword == "ARG":
        return put_build_args(instruction, place.image.build_args)
    return name_origins(instruction, place)
