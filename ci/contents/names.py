"""The names of packages as they are compared."""

import re

from ci.contents.model import Ecosystem

# What conda knows as KNOWN_SUBDIRS: the part of a channel for one platform, or for all.
_SUBDIR = re.compile(r"noarch|(emscripten|freebsd|linux|osx|wasi|win|zos)-\w+")


def normalised(ecosystem: Ecosystem, name: str) -> str:
    """Return a name as it is compared: pip's by PEP 503, others as they are."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem is Ecosystem.PIP else name


def split_subdir(channel: str) -> tuple[str, str]:
    """Split `conda-forge/linux-64` into a channel of conda and its subdir, which is empty if there is none."""
    name, _, last = channel.rpartition("/")
    return (name, last) if _SUBDIR.fullmatch(last) else (channel, "")
