"""The variables of a stage as far as they are known, to expand the paths of COPY, ADD and mounts."""

from collections.abc import Mapping

import msgspec

from ci.dockerfile.arguments import Arguments, pairs
from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.parser import Instruction


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The variables at one instruction of a stage. None means that the value is unknown."""

    has_foreign_base: bool
    """The stage is built on a foreign image, which may set any variable."""
    config: Mapping[str, str | None] = {}
    """Set by ENV: part of the image."""
    arguments: Mapping[str, str | None] = {}
    """Set by ARG, and by no ENV after it."""

    def expand(self, word: str) -> str | None:
        """Return a word with its variables expanded; None if one of them is unknown."""
        values = {**self.config, **self.arguments}
        known = {name: value for name, value in values.items() if value is not None}
        try:
            expansion = expand(word, known)
        except ExpansionError:
            return None
        unknown = {name for name in expansion.missing if self.has_foreign_base or name in values}
        return None if unknown else expansion.text

    def after(self, instruction: Instruction, arguments: Arguments) -> "Environment":
        """Return the variables after an instruction."""
        match instruction.keyword:
            case "ENV":
                return self._after_env(instruction)
            case "ARG":
                return self._after_arg(instruction, arguments)
            case _:
                return self

    def _after_env(self, instruction: Instruction) -> "Environment":
        # Every value is expanded with the variables from before the instruction.
        new = {
            self.expand(name) or name: self.expand(value)
            for name, value in zip(instruction.words[::2], instruction.words[1::2], strict=False)
        }
        kept = {name: value for name, value in self.arguments.items() if name not in new}
        return msgspec.structs.replace(self, config={**self.config, **new}, arguments=kept)

    def _after_arg(self, instruction: Instruction, arguments: Arguments) -> "Environment":
        found = self
        for name, default in pairs(instruction):
            if default is None or name in arguments.build_args:
                value = arguments.resolve(name)
                known = value is not None
            else:
                value, known = found.expand(default), True
            if known:
                found = msgspec.structs.replace(found, arguments={**found.arguments, name: value})
        return found

    @property
    def inherited(self) -> "Environment":
        """The variables that a stage built on this one starts with: an ENV hides an ARG of the same name."""
        kept = {name: value for name, value in self.arguments.items() if name not in self.config}
        return msgspec.structs.replace(self, arguments=kept)

    @property
    def with_empty_arguments(self) -> "Environment":
        """The inherited variables, if the last instruction of the stage sets every ARG to the empty string."""
        inherited = self.inherited
        return msgspec.structs.replace(inherited, arguments=dict.fromkeys(inherited.arguments, ""))

    @property
    def leaked_arguments(self) -> tuple[str, ...]:
        """The ARGs whose values a stage built on this one would see, sorted."""
        return tuple(sorted(name for name, value in self.inherited.arguments.items() if value != ""))
