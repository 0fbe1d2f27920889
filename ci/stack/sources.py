"""Bases and origins under other names, and sources of COPY, ADD and mounts in the folder of one image's context."""

import json
import posixpath
import re

from ci.stack.dockerfile import Instruction
from ci.stack.environment import Environment
from ci.stack.lexing import join, split, words
from ci.stack.quoting import escape_flag, escape_word

_REMOTE = re.compile(r"(https?|ssh|git)://|[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:", re.IGNORECASE)
_HEREDOC = re.compile(r"\d*<<-?[^<]+")
_PIVOT = "/./"


def put_origin(instruction: Instruction, origin: str) -> str:
    """Return the text of a COPY from a stage or image with another name for that."""
    line = join(instruction.raw)
    _, flags, _ = split(line.text)
    changed = [flag for flag in flags if flag.text.startswith("--from=")]
    return line.replace([(flag, escape_flag(f"--from={origin}")) for flag in changed])


def put_base(source: Instruction, base: str) -> str:
    """Return the text of a FROM with another base; its flags and its name stay as they are."""
    line = join(source.raw)
    _, _, rest = split(line.text)
    return line.replace([(words(rest)[0], base)])


def put_sources(instruction: Instruction, folder: str, environment: Environment) -> str:
    """Return the text of a COPY or ADD from the build context with its sources in `folder` of the context."""
    move = move_with_parents if instruction.has_flag("parents") else move_source
    line = join(instruction.raw)
    _, _, rest = split(line.text)
    tokens = () if instruction.json else words(rest)
    *sources, target = instruction.words
    moved = [
        word
        if (instruction.heredocs and _HEREDOC.fullmatch(word)) or _is_remote(word, environment)
        else move(word, folder, environment)
        for word in sources
    ]
    # A path that was written out may hold a blank, which only the form of JSON can.
    if instruction.json or any(char.isspace() for word in moved for char in word):
        return line.replace([(rest, json.dumps([*moved, target], ensure_ascii=False))])
    return line.replace([*zip(tokens, moved, strict=False)])


def _is_remote(word: str, environment: Environment) -> bool:
    value = environment.expand(word)
    return _REMOTE.match(word if value is None else value) is not None


def move_source(word: str, folder: str, environment: Environment) -> str:
    """Return a path of the context as a path below `folder`, in the spelling it had unless it climbs.

    `..` ends at the root of the context, as Docker has it: so that it does not lead into another folder, such a path
    is written out, which takes its variables' values.
    """
    value = environment.expand(word)
    if value is not None and _climbs(value):
        return escape_word(f"{folder}{_tidy(value)}")
    return f"{folder}/{_from_root(word)}"


def move_with_parents(word: str, folder: str, environment: Environment) -> str:
    """Return a source of `COPY --parents` below `folder`: the path that is kept begins after `/./`."""
    value = environment.expand(word)
    climbs = value is not None and _climbs(value)
    text = escape_word(value) if value is not None and climbs else word
    above, pivot, kept = text.partition(_PIVOT)
    if not pivot:
        above, kept = "", text
    if climbs:
        above, kept = _tidy(above), _tidy(kept)
    above = _from_root(above)
    return f"{folder}/{above}/./{_from_root(kept)}" if above else f"{folder}/./{_from_root(kept)}"


def _climbs(path: str) -> bool:
    return ".." in path.split("/")


def _tidy(path: str) -> str:
    return posixpath.normpath(f"/{path.lstrip('/')}")


def _from_root(path: str) -> str:
    while path.startswith(("/", "./", "../")) or path in (".", ".."):
        path = path.partition("/")[2]
    return path
