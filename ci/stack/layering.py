"""What made the layers of an image: a foreign base, and the steps of a fused Dockerfile above it."""

import msgspec

from ci.stack.fused import Fused, FusedStage, FusedStep


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
