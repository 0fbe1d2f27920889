"""ONBUILD: instructions that wait in an image for the stages built on it."""

import msgspec

from ci.stack.dockerfile import Instruction, parse_instructions
from ci.stack.lexing import join, split


def triggers(body: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    """Return the instructions that the ONBUILDs of a stage have in waiting, with the places of the ONBUILDs."""
    return tuple(trigger(one) for one in body if one.keyword == "ONBUILD")


def trigger(onbuild: Instruction) -> Instruction:
    """Return the instruction after ONBUILD. Docker keeps it as one line, with the heredocs below it."""
    line = join(onbuild.raw)
    _, _, rest = split(line.text)
    bodies = onbuild.raw.split("\n")[line.height :]
    found = parse_instructions("\n".join([rest.text, *bodies]), onbuild.path)[0]
    return msgspec.structs.replace(found, line=onbuild.line, end=onbuild.end)
