"""A Dockerfile without its files: what is left makes an image's configuration, and nothing has to be run for it."""

from collections.abc import Sequence

from ci.stack.dockerfile import Instruction, parse_instructions, trigger

_MAKES_FILES = frozenset({"RUN", "COPY", "ADD"})


def without_files(text: str) -> str:
    """Return the text of a Dockerfile without its RUN, COPY and ADD. WORKDIR stays, which does both."""
    lines = text.split("\n")
    instructions = parse_instructions(text, "the fused Dockerfile")
    last_stage = max((one.line for one in instructions if one.keyword == "FROM"), default=0)
    for instruction in reversed(_making_files(instructions, last_stage)):
        del lines[instruction.line - 1 : instruction.end]
    return "\n".join(lines)


def _making_files(instructions: Sequence[Instruction], last_stage: int) -> list[Instruction]:
    return [one for one in instructions if one.keyword in _MAKES_FILES or _is_run_here(one, last_stage)]


def _is_run_here(one: Instruction, last_stage: int) -> bool:
    """Tell whether an ONBUILD is for a stage of the same text. That of the last stage belongs to the configuration."""
    if one.keyword != "ONBUILD" or one.line > last_stage:
        return False
    waiting = trigger(one)
    return waiting is not None and waiting.keyword in _MAKES_FILES
