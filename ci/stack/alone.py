"""The text of an image that needs no other image to be built: its own, in which as little changes as can be.

Defaults of ARGs give way to build args, and names of images outside to their digests. Each takes the lines it took.
"""

from collections.abc import Iterator

from ci.stack.arguments import put_build_args
from ci.stack.dockerfile import Instruction
from ci.stack.fused import MAKES_LAYERS, Context, Fused, fused_stage, fused_step
from ci.stack.lexing import ended
from ci.stack.model import Image
from ci.stack.naming import own_stage_names
from ci.stack.rewriting import Words, rename_origins
from ci.stack.sources import put_base
from ci.stack.stages import Scope, reachable
from ci.stack.using import Using


def fuse_alone(image: Image, scope: Scope, using: Using) -> Fused:
    """Return an image's own text. An epoch adds a line below each FROM."""
    words = Words(names=own_stage_names(image), using=using)
    epoch = using.epoch_line(image.name)
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


def _lines(image: Image, scope: Scope, words: Words, epoch: str) -> list[str]:
    lines = image.dockerfile.text.split("\n")
    mark = "\ufeff" if lines[0].startswith("\ufeff") else ""
    for one, text in _rewritten(image, scope, words):
        # A file may end within a FROM, which must not take the epoch in.
        new = ended(text) if epoch and one.keyword == "FROM" else text
        if new != one.raw:
            # A value may take fewer lines than the default did: those below keep their numbers.
            height = one.end - one.line + 1
            changed = [*new.split("\n"), *[""] * height][:height]
            lines[one.line - 1 : one.end] = [(mark if one.line == 1 else "") + changed[0], *changed[1:]]
    if epoch:
        for stage in reversed(image.dockerfile.stages):
            lines.insert(stage.source.end, epoch)
    return lines


def _rewritten(image: Image, scope: Scope, words: Words) -> Iterator[tuple[Instruction, str]]:
    for one in image.dockerfile.arguments:
        yield one, put_build_args(one, image.build_args)
    for stage, own in zip(image.stages, image.dockerfile.stages, strict=True):
        is_renamed = words.is_renamed(stage.base)
        yield own.source, put_base(own.source, words.spell(stage.base)) if is_renamed else own.source.raw
        for one in own.body:
            is_argument = one.keyword == "ARG"
            yield one, put_build_args(one, image.build_args) if is_argument else rename_origins(one, scope, words)
