"""Which engine and which `dagger` command to use: decisions on facts, without looking for the facts."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Engine(StrEnum):
    """The ways to an engine, best first."""

    NAMED = "named by _EXPERIMENTAL_DAGGER_RUNNER_HOST"
    RUNTIME = "in the container runtime"
    NATIVE = "native"


class Cli(StrEnum):
    """The places a `dagger` command is taken from, best first."""

    NAMED = "named by _EXPERIMENTAL_DAGGER_CLI_BIN"
    PATH = "on PATH"
    KIT = "built with the native engine"
    FETCHED = "fetched"


class CliFacts(NamedTuple):
    """What is known of the places; the version is asked only where it decides."""

    named: str
    on_path: str | None
    version_on_path: Callable[[str], str]
    kit_built: bool


def choose_engine(runner_host: str, runtime_answers: Callable[[], bool]) -> Engine:
    """Prefer what a person named, then a container runtime, then what the kit can build."""
    if runner_host:
        return Engine.NAMED
    return Engine.RUNTIME if runtime_answers() else Engine.NATIVE


def choose_cli(engine: Engine, facts: CliFacts, wanted: str) -> Cli:
    """Take the command a person named; else one of the pinned version, the native engine's own with that engine."""
    if facts.named:
        return Cli.NAMED
    if engine is Engine.NATIVE:
        return Cli.KIT
    if facts.on_path and facts.version_on_path(facts.on_path) == wanted:
        return Cli.PATH
    return Cli.KIT if facts.kit_built else Cli.FETCHED


def version_in(answer: str) -> str:
    """Read the number in what `dagger version` prints: "dagger v0.21.8 (…) linux/amd64"."""
    words = answer.split()
    return words[1].removeprefix("v") if len(words) > 1 and words[0] == "dagger" else ""
