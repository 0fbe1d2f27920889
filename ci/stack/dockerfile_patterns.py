"""`[dockerfiles]` of stack.toml: patterns of paths, and the images that the Dockerfiles there make.

A pattern is a path from the top of the source tree. `{part}` stands for a part of a name, `*` for any characters within
one, `**` for any number of folders. The image is a name or `repository:tag`, in which the parts are put.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from ci.oci.reference import is_image_name, is_tag
from ci.stack.suites import COMMON_TESTS, TESTS

NOT_SEARCHED = (TESTS, COMMON_TESTS, "node_modules")
"""Folders in which tests and packages have Dockerfiles of their own."""
_TOKEN = re.compile(r"\{(?P<part>[a-z][a-z0-9_]*)\}|(?P<deep>(?<![^/])\*\*/)|(?P<any>\*)|(?P<text>[^{}*]+)|(?P<bad>.)")
_FIELD = re.compile(r"\{(?P<part>[a-z][a-z0-9_]*)(?::(?P<form>[a-z]+))?\}")
_SPECIAL = rf"(?:{'|'.join(NOT_SEARCHED)})"
_FOLDERS = rf"(?:(?!{_SPECIAL}/)[^/.][^/]*/)*"


class Name(NamedTuple):
    """What an image is called: a repository, and where several images share one, the tag that tells them apart."""

    repository: str
    tag: str = ""

    @classmethod
    def parse(cls, text: str) -> "Name":
        """Read `repository` or `repository:tag`."""
        repository, _, tag = text.partition(":")
        return cls(repository, tag)

    @property
    def image(self) -> str:
        """The name of the image."""
        return f"{self.repository}-{self.tag}" if self.tag else self.repository

    @property
    def is_valid(self) -> bool:
        """Whether a registry takes both, and the image's name is one, too."""
        return is_image_name(self.repository) and is_image_name(self.image) and (not self.tag or is_tag(self.tag))

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `[dockerfiles]`."""

    path: str
    images: tuple[str, ...]

    @property
    def is_literal(self) -> bool:
        """Whether it stands for one path."""
        return not set("{*") & set(self.path)

    def match(self, path: str) -> tuple[Name, ...]:
        """Return the names of the images of a Dockerfile; empty if the pattern is of other files."""
        found = _expression(self.path).fullmatch(path)
        return tuple(Name.parse(_fill(image, found.groupdict())) for image in self.images) if found else ()

    def problems(self) -> Iterator[str]:
        """Return what is wrong with it, as sentences."""
        bad = next((match["bad"] for match in _TOKEN.finditer(self.path) if match["bad"]), "")
        if bad:
            yield f"invalid {bad!r} in the pattern. A part is written {{name}}, in lower-case letters."
        elif self.path.startswith("/") or ".." in self.path.split("/"):
            yield "the pattern leads out of the source tree. Write a path from its top, without '..'."
        parts = {match["part"] for match in _TOKEN.finditer(self.path) if match["part"]}
        for image in self.images:
            fields = [*_FIELD.finditer(image)]
            unknown = [match["part"] for match in fields if match["part"] not in parts]
            forms = [match["form"] for match in fields if match["form"] not in (None, *_FORMS)]
            if unknown:
                yield f"{image!r} has {{{unknown[0]}}}, which the pattern does not."
            elif forms:
                yield f"{image!r} has the unknown form {forms[0]!r}. Known ones: {', '.join(_FORMS)}."
            elif set("{}*") & set(_FIELD.sub("", image)) or not image:
                yield f"{image!r} cannot name an image. Write NAME or REPOSITORY:TAG, with {{parts}} of the pattern."


def to_kebab(text: str) -> str:
    """Return `NodeChrome` as `node-chrome`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()


_FORMS: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "kebab": to_kebab}


@cache
def _expression(path: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern. Only what is written out is a hidden name, or one of NOT_SEARCHED."""
    found: list[str] = []
    seen: set[str] = set()
    at_start = True
    for match in _TOKEN.finditer(path):
        if match["deep"]:
            found.append(_FOLDERS)
        elif match["text"]:
            found.append(re.escape(match["text"]))
        else:
            found.append(rf"(?!\.|{_SPECIAL}/)" if at_start else "")
            part = match["part"]
            found.append(f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+?)" if part else "[^/]*")
            seen.update([part] if part else [])
        at_start = match[0].endswith("/")
    return re.compile("".join(found))


def _fill(image: str, parts: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        return _FORMS.get(match["form"] or "", str)(parts[match["part"]])

    return _FIELD.sub(put, image)
