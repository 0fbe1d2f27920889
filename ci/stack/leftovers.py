"""What the engine leaves in an image's configuration and Docker does not: the ARGs of its stages, as variables."""

from ci.stack.arguments import pairs
from ci.stack.dockerfile import parse_dockerfile
from ci.stack.fused import Fused
from ci.stack.layering import layering


def left_arguments(fused: Fused) -> tuple[str, ...]:
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
