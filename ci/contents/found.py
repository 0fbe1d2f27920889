"""What a reader of databases returns, and how texts of an image are written into values and sentences."""

import posixpath
from collections.abc import Callable, Mapping

import msgspec

from ci.contents.model import Kernel, Package, System

Files = Mapping[str, bytes]
"""Databases of an image, by path without a leading slash. Bytes of a path that are not UTF-8 are surrogates."""

_LONGEST = 200
# Letters of a package's own words on its licence: some put the whole text there.
_LICENSE = 80
# A thousand TB. Python refuses to read numbers of 5,000 digits.
_MOST_DIGITS = 15


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is installed below the folder `prefix`, though not always as a package: a Python, a JDK."""

    name: str
    version: str
    prefix: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in some databases. `problems` are sentences."""

    packages: tuple[Package, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    installed: tuple[Installed, ...] = ()
    system: System = System()
    problems: tuple[str, ...] = ()


Reader = Callable[[Files], Found]
"""Reads all files that its patterns match. Never raises: whatever is wrong with them is a problem."""


def shown(path: str) -> str:
    """Return a path as it is shown: absolute, with control characters and bytes that are no text escaped."""
    text = posixpath.join("/", path)
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def word(text: str, longest: int = _LONGEST) -> str:
    """Return a text of an image on one line, without control characters and not longer than `longest`."""
    # Cut first: it may have 32 MB.
    printable = "".join(one if one.isprintable() else " " for one in text[: 4 * longest])
    return " ".join(printable.split())[:longest]


def license_of(text: str) -> str:
    """Return what a package says of its licence, as far as it is shown."""
    return word(text, _LICENSE)


def whole_number(text: str) -> int | None:
    """Return a size that a database says; None if the text is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _escaped(character: str) -> str:
    # A surrogate is a byte of the name, made into text by `surrogateescape`.
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else repr(character)[1:-1]  # noqa: PLR2004
