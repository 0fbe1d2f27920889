"""`target`: the stage of a Dockerfile that is the image. What comes after it is not part of it."""

import msgspec

from ci.dockerfile.parser import Dockerfile, Stage
from ci.errors import did_you_mean


class TargetError(Exception):
    """A Dockerfile has no such stage; the text is a sentence that lists those it has."""


def cut_to_target(dockerfile: Dockerfile, target: str) -> Dockerfile:
    """Return a Dockerfile that ends with a stage, named by its name in any case or by its index; empty for the last.

    The lines that are left keep their numbers. Raises TargetError.
    """
    stages = dockerfile.stages
    if not target:
        return dockerfile
    # Of several stages with one name, the last, as in Docker.
    found = next((stage for stage in reversed(stages) if stage.alias == target.lower()), None)
    if found is None and target.isascii() and target.isdigit() and int(target) < len(stages):
        found = stages[int(target)]
    if found is None:
        known = [stage.alias for stage in stages if stage.alias]
        listed = ", ".join(_called(stage) for stage in stages)
        raise TargetError(
            f"{dockerfile.path} has no stage {target!r}.{did_you_mean(target, known)} Its stages are: {listed}."
        )
    if found is stages[-1]:
        return dockerfile
    kept = dockerfile.text.split("\n")[: stages[found.index + 1].source.line - 1]
    return msgspec.structs.replace(dockerfile, text="\n".join([*kept, ""]), stages=stages[: found.index + 1])


def _called(stage: Stage) -> str:
    return stage.alias or f"{stage.index} (line {stage.source.line})"
