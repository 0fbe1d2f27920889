"""Parser directives: the comments at the top of a Dockerfile that change how it is parsed."""

import re
from collections.abc import Iterator

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_KNOWN = frozenset({"syntax", "escape", "check"})
# The engine ignores these: it parses every Dockerfile with the version of this syntax that it was built with.
_OWN_SYNTAX = re.compile(
    r"((index\.)?docker\.io/)?(docker|moby)/dockerfile(-upstream)?([:@].*)?",
    re.IGNORECASE,
)
_MIRRORED_SYNTAX = re.compile(r"[\w.-]+(:\d+)?/([\w./-]+/)?(docker/dockerfile(-upstream)?([:@].*)?)", re.IGNORECASE)


def directive_problems(text: str, path: str) -> list[str]:
    """Return a sentence for each directive that asks for another way of parsing than the engine's."""
    problems: list[str] = []
    for line, name, value in _directives(text):
        if name == "escape" and value != "\\":
            problems.append(
                f"{path}:{line}: the escape character {value!r} is not supported. "
                "Remove the directive and continue lines with a backslash."
            )
        if name == "syntax" and not _is_own(value.split()[0]):
            problems.append(
                f"{path}:{line}: the syntax {value!r} is not supported. "
                "Remove the directive, or use docker/dockerfile, the built-in syntax."
            )
    return problems


def builtin_syntax(text: str) -> str:
    """Return a Dockerfile whose syntax is docker/dockerfile itself, where it is a mirror of it.

    The engine refuses a mirror, though it would not use it either.
    """
    for number, name, value in _directives(text.removeprefix("\ufeff")):
        mirrored = _MIRRORED_SYNTAX.fullmatch(value.split()[0])
        if name == "syntax" and mirrored and not _OWN_SYNTAX.fullmatch(value.split()[0]):
            lines = text.split("\n")
            lines[number - 1] = lines[number - 1].replace(value.split()[0], mirrored[3])
            return "\n".join(lines)
    return text


def _is_own(reference: str) -> bool:
    return bool(_OWN_SYNTAX.fullmatch(reference) or _MIRRORED_SYNTAX.fullmatch(reference))


def _directives(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        match = _DIRECTIVE.fullmatch(line.rstrip("\r").lstrip())
        if match is None or match[1].lower() not in _KNOWN:
            return
        yield number, match[1].lower(), match[2]
