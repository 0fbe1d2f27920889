"""A Dockerfile as a value: its instructions with their line numbers, and its stages."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import dockerfile  # type: ignore[import-not-found]  # compiled, and published without types
import msgspec

from ci.dockerfile.directives import directive_problems
from ci.dockerfile.lexer import LogicalLine, Token, Tokens, join, split
from ci.errors import SpecError, did_you_mean

_BOM = "\ufeff"
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)
_FEWEST_PATHS = 2
_NEVER_ONBUILD = frozenset({"FROM", "MAINTAINER", "ONBUILD"})
_KEYWORDS = frozenset(word.upper() for word in dockerfile.all_cmds())


class Instruction(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One instruction: the values that the official parser found, and the text."""

    keyword: str
    """Always in upper case."""
    path: str
    line: int
    """The number of its first line."""
    end: int
    """The number of its last line, heredocs included."""
    raw: str
    """Its lines as in the file, without the last line break."""
    flags: tuple[str, ...]
    words: tuple[str, ...]
    json: bool
    heredocs: tuple[str, ...] = ()
    """The bodies of its heredocs."""

    @cached_property
    def logical_line(self) -> LogicalLine:
        """Its text as one line."""
        return join(self.raw)

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of its logical line."""
        return split(self.logical_line.text)

    @property
    def location(self) -> str:
        """Its file and line, for error messages."""
        return f"{self.path}:{self.line}"

    def flag(self, name: str) -> str:
        """Return the value of the last flag `--name=value`, or the empty string."""
        prefix = f"--{name}="
        return next((flag.removeprefix(prefix) for flag in reversed(self.flags) if flag.startswith(prefix)), "")

    def has_flag(self, name: str) -> bool:
        """Return whether a boolean flag is set, as `--parents` or `--parents=true`."""
        return any(flag.lower() in (f"--{name}", f"--{name}=true") for flag in self.flags)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage: its FROM and the instructions after it."""

    index: int
    alias: str
    """The name after AS in lower case, or the empty string."""
    source: Instruction
    """The FROM. Its first word is the base as written."""
    body: tuple[Instruction, ...]


class Dockerfile(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed Dockerfile. `text` is the unchanged file, with its byte order mark and line ends."""

    path: str
    text: str
    arguments: tuple[Instruction, ...]
    """The ARGs before the first FROM. Only FROM instructions see them."""
    stages: tuple[Stage, ...]

    @property
    def instructions(self) -> Iterator[Instruction]:
        """All instructions in the order of the file."""
        yield from self.arguments
        for stage in self.stages:
            yield stage.source
            yield from stage.body

    @property
    def onbuild(self) -> tuple[Instruction, ...]:
        """The ONBUILD instructions of the last stage. Empty if the file was not read."""
        return onbuild_instructions(self.stages[-1].body) if self.stages else ()


def parse_dockerfile(text: str, path: str) -> Dockerfile:
    """Parse a Dockerfile; `path` is for error messages. SpecError with a problem for each invalid line."""
    if "\0" in text:
        # The parser would stop there, as at the end of the file.
        line = text[: text.index("\0")].count("\n") + 1
        raise SpecError([f"{path}:{line}: NUL character: this is not a text file."])
    problems = directive_problems(text.removeprefix(_BOM), path)
    if problems:
        raise SpecError(problems)
    instructions = parse_instructions(text, path)
    problems = [*_shape_problems(instructions, path)]
    if problems:
        raise SpecError(problems)
    first = next(index for index, one in enumerate(instructions) if one.keyword == "FROM")
    stages: list[Stage] = []
    starts = [index for index, one in enumerate(instructions) if one.keyword == "FROM"]
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], len(instructions)], strict=True)):
        source = instructions[start]
        alias = source.words[2].lower() if len(source.words) > 1 else ""
        stages.append(Stage(index=index, alias=alias, source=source, body=tuple(instructions[start + 1 : end])))
    return Dockerfile(path=path, text=text, arguments=tuple(instructions[:first]), stages=tuple(stages))


def parse_instructions(text: str, path: str) -> tuple[Instruction, ...]:
    """Parse a text into instructions, in any order. SpecError if the official parser rejects it."""
    text = text.removeprefix(_BOM)
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        line = _failing_line(text)
        raise SpecError([f"{path}:{line}: {error}" if line else f"{path}: the file is empty"]) from None
    lines = text.split("\n")
    return tuple(
        Instruction(
            keyword=(command.cmd or "").upper(),
            path=path,
            line=command.start_line,
            end=command.end_line,
            raw="\n".join(lines[command.start_line - 1 : command.end_line]),
            flags=command.flags,
            words=command.value,
            json=command.json,
            heredocs=tuple(heredoc.content for heredoc in command.heredocs),
        )
        for command in commands
    )


def onbuild_instruction(onbuild: Instruction) -> Instruction | None:
    """Return the instruction after ONBUILD, with the location of the ONBUILD; None if there is none."""
    tokens = onbuild.tokens
    if not tokens.rest.text:
        return None
    prefix = Token(text="", start=tokens.keyword.start, end=tokens.rest.start)
    found = parse_instructions(onbuild.logical_line.replace([(prefix, "")]), onbuild.path)[0]
    return msgspec.structs.replace(found, line=onbuild.line, end=onbuild.end)


def onbuild_instructions(body: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Return the instructions that the ONBUILDs of a stage add to each stage built on it."""
    found = (onbuild_instruction(one) for one in body if one.keyword == "ONBUILD")
    return tuple(one for one in found if one is not None)


def _failing_line(text: str) -> int:
    """Return the first line that the parser rejects; 0 if it accepts every line.

    The parser's own errors have no line number, so it is tried on ever shorter beginnings of the text.
    """
    lines = text.split("\n")
    for count in range(len(lines) - 1, -1, -1):
        # The parser rejects a text of comments alone, too. With a FROM before them it accepts them.
        try:
            dockerfile.parse_string("FROM scratch\n" + "\n".join(lines[:count]))
        except dockerfile.GoParseError:
            continue
        return 0 if count == len(lines) - 1 and _readable(text) else count + 1
    return 1


def _readable(text: str) -> bool:
    try:
        dockerfile.parse_string("FROM scratch\n" + text)
    except dockerfile.GoParseError:
        return False
    return True


def _shape_problems(instructions: Sequence[Instruction], path: str) -> Iterator[str]:
    has_from = False
    for one in instructions:
        if one.keyword == "FROM":
            has_from = True
            yield from _from_problems(one)
        elif one.keyword == "ONBUILD":
            yield from _onbuild_problems(one)
        elif not has_from and one.keyword != "ARG" and one.keyword in _KEYWORDS:
            yield f"{one.location}: {one.keyword} before the first FROM, where only ARG is allowed."
        else:
            yield from _instruction_problems(one)
    if not has_from:
        yield f"{path}: no FROM instruction: nothing to build."


def _from_problems(source: Instruction) -> Iterator[str]:
    match source.words:
        case [_]:
            pass
        case [_, word, name] if word.upper() == "AS":
            if not _STAGE_NAME.fullmatch(name):
                yield (
                    f"{source.location}: invalid stage name {name!r}: use a letter, then letters, digits, '-', '_' "
                    "and '.'."
                )
        case _:
            written = " ".join(("FROM", *source.words))
            yield f"{source.location}: expected FROM IMAGE or FROM IMAGE AS NAME, got: {written}"


def _onbuild_problems(onbuild: Instruction) -> Iterator[str]:
    found = onbuild_instruction(onbuild)
    if found is None:
        yield f"{onbuild.location}: ONBUILD needs an instruction."
    elif found.keyword in _NEVER_ONBUILD:
        yield f"{found.location}: {found.keyword} is not allowed after ONBUILD."
    else:
        yield from _instruction_problems(found)


def _instruction_problems(one: Instruction) -> Iterator[str]:
    if not one.keyword:
        yield f"{one.location}: this backslash continues no instruction. Remove it."
    elif one.keyword not in _KEYWORDS:
        yield f"{one.location}: unknown instruction {one.keyword}.{did_you_mean(one.keyword, _KEYWORDS)}"
    elif one.keyword in ("COPY", "ADD") and len(one.words) < _FEWEST_PATHS:
        yield f"{one.location}: {one.keyword} needs a source and a destination."
