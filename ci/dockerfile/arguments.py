"""ARG values: build args, defaults, the global ARGs before the first FROM, and the platform's."""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.lexer import quote
from ci.dockerfile.parser import Instruction

_NAMES = re.compile(r"\$\{?(\w+)")
PROXIES = frozenset(
    name
    for kind in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (kind, kind.lower())
)
"""The build args that need no ARG, as in Docker: every RUN sees them, and nothing of them is part of the image."""
EPOCH_ARGUMENT = "DATAHUB_EPOCH"
"""The ARG below each FROM that holds the cache epoch: with another value, every RUN runs again."""
UNWRITABLE = re.compile(r"[\n\r\0]")


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The ARG values of one Dockerfile."""

    build_args: Mapping[str, str]
    automatic: Mapping[str, str]
    """TARGETPLATFORM and the like, which the engine sets by itself."""
    declared: Mapping[str, str | None] = {}
    """The global ARGs, before the first FROM, by name. None for one with neither a default nor a build arg."""

    @property
    def for_from(self) -> Mapping[str, str]:
        """The values in FROM instructions. There an ARG without a value is empty."""
        given = {name: self.build_args.get(name, value) for name, value in self.automatic.items()}
        return {**given, **{name: value or "" for name, value in self.declared.items()}}

    def resolve(self, name: str) -> str | None:
        """Return the value of `ARG name` in a stage: the build arg, or the global ARG, or the platform's; or None."""
        if name in self.build_args:
            return self.build_args[name]
        if name in self.declared:
            return self.declared[name]
        return self.automatic.get(name)

    def only_automatic(self, text: str) -> bool:
        """Return whether the engine sets all variables of a text by itself."""
        own = {*self.build_args, *self.declared}
        return all(name in self.automatic and name not in own for name in _NAMES.findall(text))


def platform_arguments(platform: str) -> Mapping[str, str]:
    """Return the automatic arguments for a platform such as `linux/arm/v7`, as both build and target platform."""
    system, machine, variant, *_ = (*platform.split("/"), "", "")
    return {
        f"{side}{name}": value
        for side in ("BUILD", "TARGET")
        for name, value in (("PLATFORM", platform), ("OS", system), ("ARCH", machine), ("VARIANT", variant))
    }


def read_arguments(
    instructions: Sequence[Instruction], build_args: Mapping[str, str], platform: str, path: str, problems: list[str]
) -> Arguments:
    """Return the values of the global ARGs. A default may use the ARGs before it."""
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
    """Return the names that an ARG declares, with their defaults as written; None for a name without a default."""
    parts = (word.partition("=") for word in instruction.words)
    return tuple((name, default if equals else None) for name, equals, default in parts)


def declared_names(instructions: Iterable[Instruction]) -> frozenset[str]:
    """Return the names that ARGs declare."""
    return frozenset(name for one in instructions if one.keyword == "ARG" for name, _ in pairs(one))


def replace_defaults(instruction: Instruction, build_args: Mapping[str, str]) -> str:
    """Return the text of an ARG with its defaults replaced by the build args."""
    return _replace(instruction, {name: build_args[name] for name, _ in pairs(instruction) if name in build_args})


def replace_values(instruction: Instruction, arguments: Arguments) -> str:
    """Return the text of a stage's ARG with its values written out, so that it needs no global ARG or build arg.

    An automatic argument is left to the engine, unless a global ARG of the same name hides it.
    """
    values: dict[str, str] = {}
    for name, default in pairs(instruction):
        if name in arguments.build_args:
            values[name] = arguments.build_args[name]
        elif default is None and name in arguments.declared:
            value = arguments.declared[name]
            if value is not None or name in arguments.automatic:
                values[name] = value or ""
    return _replace(instruction, values)


def _replace(instruction: Instruction, values: Mapping[str, str]) -> str:
    changes = []
    for word in instruction.tokens.quoted_words:
        name = word.text.partition("=")[0]
        if name in values:
            changes.append((word, f"{name}={quote(values[name])}"))
    return instruction.logical_line.replace(changes)
