"""Instructions that the engine refuses, written in a form that it accepts and that has the same result.

What has no such form is refused when the stack is read: `ci.dockerfile.engine_limits`.
"""

import msgspec

from ci.dockerfile.chmod import is_octal, octal
from ci.dockerfile.mounts import Mount, replace_mounts
from ci.dockerfile.parser import Instruction, parse_instructions

# What is the case without the flag, which the engine does not know.
_SANDBOX = "--security=sandbox"
_UNKNOWN = ("--security=", "--device=")


def engine_form(instruction: Instruction, *, is_used: bool = True) -> Instruction:
    """Return an instruction as the engine accepts it. It is the same object if nothing has to be changed.

    One that is not used, in a stage that nothing depends on, has no result: it only has to be parsed.
    """
    match instruction.keyword:
        case "RUN":
            unknown = [flag for flag in instruction.flags if flag.startswith(_UNKNOWN)]
            text = replace_mounts(instruction, _plain_ssh, without=(_SANDBOX,) if is_used else unknown)
        case "COPY" | "ADD":
            text = _octal_mode(instruction)
        case _:
            return instruction
    if text == instruction.raw:
        return instruction
    found = parse_instructions(text, instruction.path)[0]
    return msgspec.structs.replace(found, line=instruction.line, end=instruction.end)


def _plain_ssh(mount: Mount) -> Mount:
    """Return an SSH mount without its mode, which the engine refuses though it has no agent to mount."""
    return mount.without("mode") if mount.kind.lower() == "ssh" else mount


def _octal_mode(instruction: Instruction) -> str:
    mode = instruction.flag("chmod")
    new = None if is_octal(mode) or instruction.flag("from") else octal(mode)
    flags = [flag for flag in instruction.tokens.flags if flag.text.startswith("--chmod=")] if new else []
    return instruction.logical_line.replace([(flag, f"--chmod={new}") for flag in flags])
