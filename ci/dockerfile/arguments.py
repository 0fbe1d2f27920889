"""What an ARG is worth: build args, defaults, the globals above the first FROM and the platform."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.lexer import quote
from ci.dockerfile.parser import Instruction

_NAMES = re.compile(r"\$\{?(\w+)")
UNWRITABLE = re.compile(r"[\n\r\0]")


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The values that hold for one Dockerfile."""

    build_args: Mapping[str, str]
    automatic: Mapping[str, str]
    """TARGETPLATFORM and its kin, which the engine sets without being asked."""
    declared: Mapping[str, str | None] = {}
    """The ARGs above the first FROM by name; None for one that has neither a default nor a build arg."""

    @property
    def for_from(self) -> Mapping[str, str]:
        """What the lines of FROM see. One declared without a value counts as empty there."""
        given = {name: self.build_args.get(name, value) for name, value in self.automatic.items()}
        return {**given, **{name: value or "" for name, value in self.declared.items()}}

    def inherited(self, name: str) -> str | None:
        """Return what `ARG name` means in a stage: the build arg, the global's value, the platform's; or None."""
        if name in self.build_args:
            return self.build_args[name]
        if name in self.declared:
            return self.declared[name]
        return self.automatic.get(name)

    def only_automatic(self, text: str) -> bool:
        """LogLine whether all variables of a text are ones that the engine sets without being asked."""
        own = {*self.build_args, *self.declared}
        return all(name in self.automatic and name not in own for name in _NAMES.findall(text))

    def empty_names(self, text: str) -> tuple[str, ...]:
        """Return the variables named in a text of a line of FROM that are worth nothing there."""
        values = self.for_from
        return tuple(name for name in dict.fromkeys(_NAMES.findall(text)) if not values.get(name))


def platform_arguments(platform: str) -> Mapping[str, str]:
    """Return the automatic arguments of a platform such as `linux/arm/v7`, which is built on itself."""
    system, machine, variant, *_ = (*platform.split("/"), "", "")
    return {
        f"{side}{name}": value
        for side in ("BUILD", "TARGET")
        for name, value in (("PLATFORM", platform), ("OS", system), ("ARCH", machine), ("VARIANT", variant))
    }


def read_arguments(
    instructions: Sequence[Instruction], build_args: Mapping[str, str], platform: str, path: str, problems: list[str]
) -> Arguments:
    """Work out the ARGs above the first FROM, each default with the ones before it put in."""
    arguments = Arguments(build_args=build_args, automatic=platform_arguments(platform))
    for instruction in instructions:
        for name, default in pairs(instruction):
            value = build_args.get(name)
            if value is None and default is not None:
                try:
                    value = expand(default, arguments.for_from).text
                except ExpansionError as error:
                    problems.append(f"{path}:{instruction.line}: ARG {name}={default}: {error}.")
            arguments = msgspec.structs.replace(arguments, declared={**arguments.declared, name: value})
    return arguments


def pairs(instruction: Instruction) -> tuple[tuple[str, str | None], ...]:
    """Return the names that an ARG declares with their defaults as written, None for a name alone."""
    cut = (word.partition("=") for word in instruction.words)
    return tuple((name, default if equals else None) for name, equals, default in cut)


def put_build_args(instruction: Instruction, build_args: Mapping[str, str]) -> str:
    """Return the text of an ARG with the build args in the place of its defaults."""
    return _put(instruction, {name: build_args[name] for name, _ in pairs(instruction) if name in build_args})


def put_values(instruction: Instruction, arguments: Arguments) -> str:
    """Return the text of an ARG of a stage that no longer needs the globals or build args of its Dockerfile.

    An automatic argument is left to the engine. But where it is declared above the first FROM as well, that hides it.
    """
    values: dict[str, str] = {}
    for name, default in pairs(instruction):
        if name in arguments.build_args:
            values[name] = arguments.build_args[name]
        elif default is None and name in arguments.declared:
            value = arguments.declared[name]
            if value is not None or name in arguments.automatic:
                values[name] = value or ""
    return _put(instruction, values)


def _put(instruction: Instruction, values: Mapping[str, str]) -> str:
    changes = []
    for word in instruction.tokens.quoted_words:
        name = word.text.partition("=")[0]
        if name in values:
            changes.append((word, f"{name}={quote(values[name])}"))
    return instruction.logical_line.replace(changes)
