"""Lines of `[dockerfiles]` for Dockerfiles that have no name yet: as few as possible, ready to be pasted.

Dockerfiles at the same depth with the same form of file name become one pattern, whose parts are what differs. What the
parts make is the name that most references in the stack mean.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ci.oci.reference import repository_name, split_reference
from ci.stack.dockerfile_names import DEFAULT_NAMES
from ci.stack.dockerfile_patterns import NOT_SEARCHED, Name, Pattern, to_kebab
from ci.stack.image_references import rank_tag

_BEFORE = re.compile(r"(?P<fixed>(?:dockerfile|containerfile)[._-])(?P<stem>.+)", re.IGNORECASE)
_AFTER = re.compile(r"(?P<stem>.+?)(?P<fixed>[._-](?:dockerfile|containerfile))", re.IGNORECASE)
_PART = re.compile(r"\{\w+\}")
_UNWRITABLE = re.compile(r"""[{}*"\\\x00-\x1f\x7f]""")
_INVALID = re.compile(r"[^a-z0-9._-]+")
_PAIR = ("name", "kind")
_Path = tuple[str, Sequence[str]]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Line(msgspec.Struct, frozen=True):
    """A line of `[dockerfiles]`, and how many Dockerfiles it is for."""

    pattern: str
    image: str
    count: int = 1

    def __str__(self) -> str:
        return f'"{self.pattern}" = "{self.image}"'

    def match(self, path: str) -> tuple[Name, ...]:
        """Return the name that it gives a Dockerfile, if it does."""
        return Pattern(path=self.pattern, images=(self.image,)).match(path)


class _Shape(NamedTuple):
    """What the paths of a group have in common: how many folders, and the form of the file's name."""

    depth: int
    before: str
    after: str
    fixed: tuple[str, ...]
    """By folder: its name where patterns have to write it out, else the empty string."""
    split: bool


def suggest_names(paths: Iterable[str], references: Iterable[str], taken: Collection[str] = ()) -> tuple[Line, ...]:
    """Return lines that give each Dockerfile a valid name that no other image has.

    There is no line for a path with characters that have a meaning in patterns, as `{{cookiecutter.name}}/Dockerfile`.
    `references` are those in Dockerfiles of the stack that mean none of its images yet; `taken` are names in use.
    """
    wanted = [_Reference.read(one) for one in dict.fromkeys(references)]
    lines: list[Line] = []
    used = set(taken)
    shapes = _groups(paths, wanted)
    folders = {posixpath.dirname(path) for group in shapes.values() for path, _ in group}
    for shape, group in sorted(shapes.items()):
        nested = shape.before in DEFAULT_NAMES and all(
            posixpath.dirname(posixpath.dirname(path)) in folders - {""} for path, _ in group
        )
        for line, left in _lines(shape, group, wanted, used, nested=nested):
            lines.append(line)
            used |= left
    return _ordered(lines)


def is_writable(path: str) -> bool:
    """Return whether a pattern can be this path: not with characters that have a meaning there."""
    return not _UNWRITABLE.search(path)


def _ordered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines, those with more text first: of several that match a path, the first counts."""
    return tuple(sorted(lines, key=lambda line: len(_PART.sub("", line.pattern)), reverse=True))


def naming_lines(
    defaults: Mapping[str, Name], references: Iterable[str], taken: Collection[str] = ()
) -> tuple[Line, ...]:
    """Return the lines that Dockerfiles need: none for those whose name is right without one.

    `defaults` are the names that they have without a line; an empty name where they make no image.
    """
    references = tuple(references)
    images = {path: name for path, name in defaults.items() if name.repository}
    lines = suggest_names(images, references, taken)
    named = {name.image for line in lines for path in images for name in line.match(path)}
    more = suggest_names(defaults.keys() - images.keys(), references, {*taken, *named})
    return _ordered((*(line for line in lines if not _is_default(line, images)), *more))


def _is_default(line: Line, defaults: Mapping[str, Name]) -> bool:
    return all(names == (defaults[path],) for path in defaults if (names := line.match(path)))


class _Reference(NamedTuple):
    repository: str
    tag: str

    @classmethod
    def read(cls, reference: str) -> "_Reference":
        return cls(repository_name(reference), split_reference(reference)[1] or "")


def _groups(paths: Iterable[str], references: Sequence[_Reference]) -> Mapping[_Shape, Sequence[_Path]]:
    """Return paths with their parts, by shape."""
    found: dict[_Shape, list[_Path]] = defaultdict(list)
    repositories = {one.repository for one in references if one.tag}
    for path in sorted(filter(is_writable, paths)):
        folder, file = posixpath.split(path)
        folders = folder.split("/") if folder else []
        stem, before, after = _stem(file)
        # `verse_4.6.1.Dockerfile`, where a FROM names verse:4.6.1.
        first, mark, rest = stem.partition("_")
        split = bool(mark and first in repositories)
        fixed = tuple(name if name.startswith(".") or name in NOT_SEARCHED else "" for name in folders)
        parts = [*folders, *([first, rest] if split else [stem] if stem else [])]
        found[_Shape(len(folders), before, after, fixed, split)].append((path, parts))
    return found


def _stem(file: str) -> tuple[str, str, str]:
    """Return the part of a file's name that says which image it is, and what stands before and after it."""
    if file.lower() in map(str.lower, DEFAULT_NAMES):
        return "", file, ""
    match = _BEFORE.fullmatch(file)
    if match:
        return match["stem"], match["fixed"], ""
    match = _AFTER.fullmatch(file)
    return (match["stem"], "", match["fixed"]) if match else ("", file, "")


def _lines(
    shape: _Shape, group: Sequence[_Path], references: Sequence[_Reference], used: Collection[str], *, nested: bool
) -> Iterator[tuple[Line, set[str]]]:
    """Return the lines for a group, and the names that each takes."""
    left: dict[str, Sequence[str]] = dict(group)
    if len(group) > 1:
        columns = list(zip(*left.values(), strict=True))
        below = {shape.depth - 2, shape.depth - 1} if nested else set()
        varying = [index for index, column in enumerate(columns) if len(set(column)) > 1 or index in below]
        pattern = _pattern(shape, [None if index in varying else column[0] for index, column in enumerate(columns)])
        fields = [f"{{{name}}}" for name in _part_names(len(varying))]
        templates = [":".join(fields)] if nested and len(fields) == len(_PAIR) else []
        named = columns[-1][0] if shape.before in DEFAULT_NAMES and len(columns) - 1 not in varying else ""
        # The folder's name is that of the image, as without a line.
        templates += [f"{'-'.join(fields)}-{named}"] if named else []
        templates += _templates(fields, references)
        image = _best(templates, pattern, left, references, used)
        names = _valid(Pattern(path=pattern, images=(image,)), left, used)
        if len(names) > 1:
            left = {
                path: ["-".join(parts[index] for index in varying)] for path, parts in left.items() if path not in names
            }
            yield Line(pattern, image, len(names)), {name.image for name in names.values()}
    taken = set(used)
    for path, parts in left.items():
        name = _own_name(parts, references, taken)
        taken.add(name.image)
        yield Line(path, str(name)), {name.image}


def _valid(pattern: Pattern, paths: Iterable[str], used: Collection[str]) -> Mapping[str, Name]:
    """Return the names that a pattern gives, where they are valid and no others are equal."""
    found = {path: pattern.match(path)[0] for path in paths}
    images = [name.image for name in found.values()]
    return {
        path: name
        for path, name in found.items()
        if name.is_valid and name.image not in used and images.count(name.image) == 1
    }


def _pattern(shape: _Shape, columns: Sequence[str | None]) -> str:
    names = iter(_part_names(columns.count(None)))
    written = [f"{{{next(names)}}}" if column is None else column for column in columns]
    folders, stem = written[: shape.depth], "_".join(written[shape.depth :])
    return "/".join((*folders, f"{shape.before}{stem}{shape.after}"))


def _part_names(count: int) -> Sequence[str]:
    return ["name"] if count == 1 else list(_PAIR) if count == len(_PAIR) else list(_LETTERS[:count])


def _best(
    templates: Iterable[str],
    pattern: str,
    paths: Collection[str],
    references: Sequence[_Reference],
    used: Collection[str],
) -> str:
    scores = {one: _score(Pattern(path=pattern, images=(one,)), paths, references, used) for one in templates}
    return max(scores, key=lambda one: scores[one])  # the first of the best


def _templates(parts: Sequence[str], references: Sequence[_Reference]) -> Iterator[str]:
    """Return templates, the simplest first."""
    joined = "-".join(parts)
    kebab = joined.replace("}", ":kebab}")
    yield from (joined, kebab, joined.replace("}", ":lower}"))
    for count in range(1, len(parts)):
        yield "-".join(parts[:count]) + ":" + "-".join(parts[count:])
    for repository in sorted({one.repository for one in references}):
        yield f"{repository}:{joined}"
        for end in (index + 1 for index, char in enumerate(repository) if char in "-_"):
            yield f"{repository[:end]}{joined}"
            for count in range(1, len(parts)):
                yield f"{repository[:end]}{'-'.join(parts[:count])}:{'-'.join(parts[count:])}"


def _score(
    pattern: Pattern, paths: Iterable[str], references: Sequence[_Reference], used: Collection[str]
) -> tuple[int, int]:
    """Return how many references the names of a pattern resolve, and how many are valid: of those not in use."""
    names = [name for path in paths if (name := pattern.match(path)[0]).image not in used]
    plain = {name.repository for name in names if not name.tag}
    tagged: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name.tag:
            tagged[name.repository].append(name.tag)
    resolved = sum(
        one.repository in plain or any(rank_tag(tag, one.tag) for tag in tagged[one.repository] if one.tag)
        for one in references
    )
    valid = [name.image for name in names if name.is_valid]
    return resolved, len(set(valid))


def _own_name(parts: Sequence[str], references: Sequence[_Reference], used: Collection[str]) -> Name:
    """Return a name for one Dockerfile: that of its folder, or of its file, with more of its path if that is taken."""
    visible = [_tidy(part) for part in parts if not part.startswith(".")]
    words = [word for word in visible if word] or [_tidy(part) for part in parts if _tidy(part)] or ["image"]
    repositories = {one.repository for one in references}
    candidates = ["-".join(words[start:]) for start in reversed(range(len(words)))]
    candidates = [to_kebab(parts[-1]), *candidates] if parts else candidates
    wanted = [one.repository for one in references if any(one.repository.endswith(f"-{name}") for name in candidates)]
    for name in (*(one for one in candidates if one in repositories), *wanted, *candidates):
        if name not in used and Name(name).is_valid:
            return Name(name)
    number = 2
    while f"{candidates[-1]}-{number}" in used:
        number += 1
    return Name(f"{candidates[-1]}-{number}")


def _tidy(text: str) -> str:
    """Return text as part of a valid name, empty if nothing of it can be."""
    return re.sub(r"([._-])[._-]+", r"\1", _INVALID.sub("-", text.lower())).strip("._-")
