"""The command line of `native_engine/fleet`: its own options, and which function gets which of build-report's."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from native_engine.errors import EngineError


class Function(StrEnum):
    """A function of the module that several machines call."""

    DIVIDE = "divide"
    SHARE = "build-share"
    GATHER = "gather"


_ALL = frozenset(Function)
ROUTES: dict[str, frozenset[Function]] = {
    **dict.fromkeys(("rebuild", "refresh", "epoch", "base", "head"), frozenset({Function.DIVIDE})),
    **dict.fromkeys(("jobs", "build-secret", "build-secret-id", "build-ssh"), frozenset({Function.SHARE})),
    "accept-growth": frozenset({Function.GATHER}),
    **dict.fromkeys(("build-arg", "registry", "registry-username", "registry-password", "registry-service"), _ALL),
}
"""The functions that take an option of `build-report --publish`."""
CONSTRUCTOR = ("source", "images")
"""Options of the module itself: they stand before the name of a function."""
_FLAGS = ("publish", "refresh")
_SECRETS = ("registry-password", "build-secret")
_SECRET_ADDRESS = re.compile(r"[a-z][a-z+]*:")
_OWN = ("on", "machines", "output")
_KNOWN = (*_OWN, "mod", *CONSTRUCTOR, "publish", *ROUTES)
_SHORT = {"-o": "--output", "-m": "--mod"}
_FUNCTION = "build-report"


class Words(NamedTuple):
    """What a fleet is to do. `engines` are addresses, and `machines` how many may build at once, at most.

    `module` and `constructor` are words before and after `call`, `options` those of each function.
    """

    engines: tuple[str, ...]
    machines: int
    output: Path
    module: tuple[str, ...]
    constructor: tuple[str, ...]
    options: dict[Function, tuple[str, ...]]

    def call(self, function: Function, *own: str) -> list[str]:
        """Return the words of one call, after `./daggerw`."""
        return [*self.module, "call", *self.constructor, function, *self.options[function], *own]


class _Option(NamedTuple):
    name: str  # without dashes; empty for a word that is no option
    value: str | None
    word: str

    @property
    def words(self) -> str:
        """The option as one word."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


def read_words(words: Sequence[str]) -> Words:
    """Read a command line. Raises EngineError with all problems."""
    options = [*_options(words)]
    problems = [problem for option in options for problem in _problems(option)]
    if unknown := [option.word for option in options if option.word != _FUNCTION and option.name not in _KNOWN]:
        listed = ", ".join(f"--{one}" for one in _KNOWN)
        problems.append(f"Not known here: {', '.join(unknown)}. A fleet publishes a whole stack, and takes {listed}.")
    given: dict[str, list[str]] = {}
    for option in options:
        given.setdefault(option.name, []).append(option.value or "")
    engines = tuple(given.get("on", ()))
    if not engines:
        problems.append("--on is missing: give the address of each engine, --on tcp://HOST:PORT --on unix:///SOCKET.")
    twice = [one for one in dict.fromkeys(engines) if engines.count(one) > 1]
    problems += [f"--on {one} is there {engines.count(one)} times: an engine is one machine." for one in twice]
    machines = given.get("machines", [str(len(engines) or 1)])[-1]
    if not machines.isdecimal() or int(machines) < 1:
        problems.append(f"--machines={machines}: give how many machines may build at once, 1 or more.")
    if problems:
        raise EngineError("\n".join(problems))
    return Words(
        engines=engines,
        machines=int(machines),
        output=Path(given.get("output", ["report"])[-1]),
        module=tuple(option.words for option in options if option.name == "mod"),
        constructor=tuple(option.words for option in options if option.name in CONSTRUCTOR),
        options={
            function: tuple(option.words for option in options if function in ROUTES.get(option.name, ()))
            for function in Function
        },
    )


def _options(words: Sequence[str]) -> Iterator[_Option]:
    """Split words into options: `--name=value`, `--name value`, and flags, which have a value only after `=`."""
    rest = iter(words)
    for word in rest:
        head, has_value, value = word.partition("=")
        head = _SHORT.get(head, head)
        name = head.removeprefix("--") if head.startswith("--") else ""
        if name in _KNOWN and name not in _FLAGS and not has_value:
            yield _Option(name, next(rest, None), word)
        else:
            yield _Option(name, value if has_value else None, word)


def _problems(option: _Option) -> Iterator[str]:
    name, value, word = option
    if name not in _KNOWN:
        return
    if name in _FLAGS:
        if value not in {None, "true", "false"}:
            yield f"{word}: --{name} takes no value but true and false."
        elif name == "publish" and value == "false":
            yield f"{word}: a fleet shares images by the registry, so it always publishes."
    elif not value:
        yield f"{word} needs a value."
    elif name in _SECRETS and not _SECRET_ADDRESS.match(value):
        yield f"--{name} takes no text, which every user of this machine could read: give env:NAME or file:PATH."
