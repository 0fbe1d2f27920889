"""Notes with lines of stack.toml: for Dockerfiles that make no image, and images that are published by other names."""

import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ci.dockerfile.dockerignore import literal_pattern
from ci.errors import first_few
from ci.oci.reference import split_reference
from ci.stack.dockerfile_patterns import Name
from ci.stack.suggestions import Line, naming_lines, suggest_names

_LINES_SHOWN = 8


def snippet(lines: Sequence[Line]) -> str:
    """Return lines as a table of stack.toml, indented: ready to be pasted."""
    return "\n".join(f"      {line}" for line in ("[dockerfiles]", *map(str, lines)))


def passed_over_note(
    paths: Sequence[str], taken: Collection[str], references: Iterable[str], settings: str
) -> Iterator[str]:
    """Return a sentence if files look like Dockerfiles and are no image of the stack."""
    if not paths:
        return
    lines = suggest_names(paths, references, taken)
    made = f"These lines in {settings} make them images:\n" if lines else ""
    shown, more = lines[:_LINES_SHOWN], sum(line.count for line in lines[_LINES_SHOWN:])
    left = f"\n      # and {more} more: `dagger call init` prints all" if more else ""
    ignored = ", ".join(map(quoted, ignore_patterns(paths)))
    yield (
        f"Not part of the stack, though they look like Dockerfiles: {first_few(paths)}. {made}"
        f"{snippet(shown) if lines else ''}{left}\n    These leave them out without this note:\n"
        f"      [stack]\n      ignore = [{ignored}]"
    )


def nothing_found(paths: Sequence[str], references: Iterable[str], searched: str, settings: str) -> str:
    """Return why a tree has no image, with the lines that make images of what looks like Dockerfiles."""
    said = f"no images found in {searched}. An image is a folder with a Dockerfile, at any depth"
    if not paths:
        return (
            f"{said}. The source tree is the repository in which the command runs, unless --source names another "
            "folder, such as --source=.; --images names a folder in it."
        )
    lines = snippet(suggest_names(paths, references))
    return f"{said}; other Dockerfiles become images by lines in {settings}:\n{lines}"


def renamed_note(renamed: Mapping[str, Sequence[str]], defaults: Mapping[str, Name], settings: str) -> Iterator[str]:
    """Return a sentence if references (with where they are) may mean images that are published by other names."""
    if not renamed:
        return
    places = [place for found in renamed.values() for place in found]
    external = ", ".join(f'"{one}"' for one in sorted({split_reference(one)[0] for one in renamed}))
    lines = naming_lines(defaults, renamed)
    yield (
        f"{first_few(places)}: {first_few(list(renamed))} may be images of this stack, published by other names. "
        f"If they are, these lines in {settings} say so:\n{snippet(lines)}\n    If they are not, these do:\n"
        f"      [stack]\n      external = [{external}]"
    )


def ignore_patterns(paths: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that leave out these files: their folders, or if these are many the topmost ones."""
    folders = sorted({posixpath.dirname(path) or path for path in paths})
    outer = [one for one in folders if not any(one.startswith(f"{other}/") for other in folders)]
    shown = outer if len(outer) <= _LINES_SHOWN else dict.fromkeys(path.partition("/")[0] for path in paths)
    return tuple(map(literal_pattern, shown))


def quoted(text: str) -> str:
    """Return text as a string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
