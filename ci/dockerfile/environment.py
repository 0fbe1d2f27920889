"""What is known of a stage's variables, to tell where a source that holds some points to."""

from collections.abc import Mapping

import msgspec

from ci.dockerfile.arguments import Arguments, pairs
from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.parser import Instruction


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of a stage at one place. A value of None is one that cannot be known here."""

    open: bool
    """The stage stands on a foreign base, which may bring any variable."""
    config: Mapping[str, str | None] = {}
    """Set by ENV: they stay in the image."""
    arguments: Mapping[str, str | None] = {}
    """Set by ARG and not by ENV after it."""

    def expand(self, word: str) -> str | None:
        """Return a word with its variables put in; None if that takes a variable that is not known."""
        values = {**self.config, **self.arguments}
        known = {name: value for name, value in values.items() if value is not None}
        try:
            expansion = expand(word, known)
        except ExpansionError:
            return None
        unknown = {name for name in expansion.missing if self.open or name in values}
        return None if unknown else expansion.text

    def after(self, instruction: Instruction, arguments: Arguments) -> "Environment":
        """Return the variables below an instruction."""
        match instruction.keyword:
            case "ENV":
                return self._after_env(instruction)
            case "ARG":
                return self._after_arg(instruction, arguments)
            case _:
                return self

    def _after_env(self, instruction: Instruction) -> "Environment":
        # Every value sees the variables as they were above the instruction.
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
                value = arguments.inherited(name)
                known = value is not None
            else:
                value, known = found.expand(default), True
            if known:
                found = msgspec.structs.replace(found, arguments={**found.arguments, name: value})
        return found

    @property
    def below(self) -> "Environment":
        """What a stage built on this one begins with: ENV is set anew, so it hides an ARG of the same name."""
        kept = {name: value for name, value in self.arguments.items() if name not in self.config}
        return msgspec.structs.replace(self, arguments=kept)

    @property
    def emptied(self) -> "Environment":
        """What the children of an image begin with whose ARGs were emptied at its end."""
        below = self.below
        return msgspec.structs.replace(below, arguments=dict.fromkeys(below.arguments, ""))

    @property
    def leaked(self) -> tuple[str, ...]:
        """The ARGs whose values a stage built on this one would see, in the order of their names."""
        return tuple(sorted(name for name, value in self.below.arguments.items() if value != ""))
