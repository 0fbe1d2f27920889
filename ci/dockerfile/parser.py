"""A Dockerfile as a value: its instructions, with the lines they stand on, and its stages."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import dockerfile  # type: ignore[import-not-found]  # compiled, and published without types
import msgspec

from ci.dockerfile.directives import directive_problems
from ci.dockerfile.lexer import Line, Token, Tokens, join, split
from ci.errors import SpecError, did_you_mean

_BOM = "\ufeff"
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)
_FEWEST_PATHS = 2
_NEVER_ONBUILD = frozenset({"FROM", "MAINTAINER", "ONBUILD"})
_KEYWORDS = frozenset(word.upper() for word in dockerfile.all_cmds())


class Instruction(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One instruction: what the official parser makes of it, and the text it was made from."""

    keyword: str
    """In upper case, whatever the text has."""
    path: str
    line: int
    end: int
    """Its last line: of its last heredoc, if it has one."""
    raw: str
    """Its lines as they stand in the file, without the last line break."""
    flags: tuple[str, ...]
    words: tuple[str, ...]
    json: bool
    heredocs: tuple[str, ...] = ()
    """The bodies of its heredocs."""

    @cached_property
    def logical_line(self) -> Line:
        """Its text as one line."""
        return join(self.raw)

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of its logical line."""
        return split(self.logical_line.text)

    @property
    def where(self) -> str:
        """The place to name in errors."""
        return f"{self.path}:{self.line}"

    def flag(self, name: str) -> str:
        """Return the value of the last flag `--name=value`, or nothing."""
        prefix = f"--{name}="
        return next((flag.removeprefix(prefix) for flag in reversed(self.flags) if flag.startswith(prefix)), "")

    def has_flag(self, name: str) -> bool:
        """LogLine whether a flag that is on or off is on, as `--parents` or `--parents=true`."""
        return any(flag.lower() in (f"--{name}", f"--{name}=true") for flag in self.flags)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage: its FROM and the instructions below it."""

    index: int
    alias: str
    """The name after AS in lower case, or nothing."""
    source: Instruction
    """The FROM; its first word is the base as it was written."""
    body: tuple[Instruction, ...]


class Dockerfile(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed Dockerfile. `text` is the file as it is, byte order mark and line ends included."""

    path: str
    text: str
    arguments: tuple[Instruction, ...]
    """The ARGs before the first FROM, which hold for the lines of FROM."""
    stages: tuple[Stage, ...]

    @property
    def instructions(self) -> Iterator[Instruction]:
        """Every instruction in the order of the file."""
        yield from self.arguments
        for stage in self.stages:
            yield stage.source
            yield from stage.body

    @property
    def onbuild(self) -> tuple[Instruction, ...]:
        """What waits by ONBUILD for the stages of other files that are built on it. Nothing if it was not read."""
        return onbuild_instructions(self.stages[-1].body) if self.stages else ()


def parse_dockerfile(text: str, path: str) -> Dockerfile:
    """Parse a Dockerfile; `path` is for the errors. SpecError with a problem for each line that cannot be read."""
    if "\0" in text:
        # The parser would take it for the end of the file.
        raise SpecError([f"{path}:{text[: text.index(chr(0))].count(chr(10)) + 1}: a NUL character: this is no text."])
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
    """Parse a text into instructions, whatever their order. SpecError where the official parser refuses it."""
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
    """Return the instruction after ONBUILD, if there is one, with the place of the ONBUILD."""
    tokens = onbuild.tokens
    if not tokens.rest.text:
        return None
    before = Token(text="", start=tokens.keyword.start, end=tokens.rest.start)
    found = parse_instructions(onbuild.logical_line.replace([(before, "")]), onbuild.path)[0]
    return msgspec.structs.replace(found, line=onbuild.line, end=onbuild.end)


def onbuild_instructions(body: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Return the instructions that the ONBUILDs of a stage have in onbuild for the stages built on it."""
    found = (onbuild_instruction(one) for one in body if one.keyword == "ONBUILD")
    return tuple(one for one in found if one is not None)


def _failing_line(text: str) -> int:
    """Return the line that the parser stumbles over: the first after the longest readable head; 0 if none is at fault.

    The parser's own errors name no line.
    """
    lines = text.split("\n")
    for count in range(len(lines) - 1, -1, -1):
        # A head of comments alone is refused as well; with a FROM in front it is readable.
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
    begun = False
    for one in instructions:
        if one.keyword == "FROM":
            begun = True
            yield from _from_problems(one)
        elif one.keyword == "ONBUILD":
            yield from _onbuild_problems(one)
        elif not begun and one.keyword != "ARG" and one.keyword in _KEYWORDS:
            yield f"{one.where}: {one.keyword} stands before the first FROM, where only ARG may stand."
        else:
            yield from _instruction_problems(one)
    if not begun:
        yield f"{path}: there is no FROM, so there is nothing to build."


def _from_problems(source: Instruction) -> Iterator[str]:
    match source.words:
        case [_]:
            pass
        case [_, word, name] if word.upper() == "AS":
            if not _STAGE_NAME.fullmatch(name):
                yield f"{source.where}: {name!r} cannot name a stage, which takes a letter and then a-z, 0-9, -, _, ."
        case _:
            yield f"{source.where}: FROM takes an image, or an image, AS and a name. It has: {' '.join(source.words)}"


def _onbuild_problems(onbuild: Instruction) -> Iterator[str]:
    found = onbuild_instruction(onbuild)
    if found is None:
        yield f"{onbuild.where}: ONBUILD takes an instruction."
    elif found.keyword in _NEVER_ONBUILD:
        yield f"{found.where}: {found.keyword} cannot stand after ONBUILD."
    else:
        yield from _instruction_problems(found)


def _instruction_problems(one: Instruction) -> Iterator[str]:
    if not one.keyword:
        yield f"{one.where}: a backslash continues nothing here. Remove it."
    elif one.keyword not in _KEYWORDS:
        yield f"{one.where}: unknown instruction {one.keyword}.{did_you_mean(one.keyword, _KEYWORDS)}"
    elif one.keyword in ("COPY", "ADD") and len(one.words) < _FEWEST_PATHS:
        yield f"{one.where}: {one.keyword} takes a source and a destination."
