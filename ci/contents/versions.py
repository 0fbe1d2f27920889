"""Which of two versions is newer, by the rules of the tool that installed the package.

pip has PEP 440; npm, Julia and lab extensions have semantic versions; Alpine has an order of its own. Debian's is good
for everything else, since it orders numbers and letters of any form. conda's own order is that of PEP 440 where PEP
440 can read both (1.0rc1 < 1.0, which Debian's turns around), and Debian's for the rest.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cmp_to_key
from typing import Any

from ci.contents.difference import Change
from ci.contents.model import Ecosystem

Parser = Callable[[str], Any]
"""Makes of a version what can be compared with its like. Raises ValueError for what is no version."""


def change_of(ecosystem: Ecosystem, old: str, new: str) -> Change:
    """Return what the change of a package from one version to another is: UP, DOWN, REBUILT or CHANGED."""
    if _upstream(ecosystem, old) == _upstream(ecosystem, new):
        return Change.REBUILT
    return _order(_SCHEMES[ecosystem], old, new)


def change_of_release(old: str, new: str) -> Change:
    """Return the same for versions that no package manager gave: of Python, CUDA, an operating system."""
    return _order((_pep440, _debian), old, new)


def ascending(ecosystem: Ecosystem, versions: Iterable[str]) -> tuple[str, ...]:
    """Return the versions of one package, each once, the lowest first; those without an order by their letters."""

    def compare(left: str, right: str) -> int:
        return {Change.UP: -1, Change.DOWN: 1}.get(_order(_SCHEMES[ecosystem], left, right), 0)

    return tuple(sorted(sorted(set(versions)), key=cmp_to_key(compare)))


def _order(schemes: tuple[Parser, ...], old: str, new: str) -> Change:
    """Return the answer of the first scheme that can read both. Equal in another spelling (1.0, 1.0.0) is REBUILT."""
    for parse in schemes:
        # Python refuses to read numbers of more than 4,300 digits with a ValueError, too, also when it compares.
        with suppress(ValueError):
            before, after = parse(old), parse(new)
            return Change.UP if before < after else Change.DOWN if after < before else Change.REBUILT
    return Change.CHANGED


# univers takes 0.07 s to import, which only those who compare versions should pay.
def _pep440(version: str) -> object:
    from univers.versions import PypiVersion  # noqa: PLC0415

    return PypiVersion(version)


def _semantic(version: str) -> object:
    from univers.versions import SemverVersion  # noqa: PLC0415

    return SemverVersion(version)


def _debian(version: str) -> object:
    from univers.versions import DebianVersion  # noqa: PLC0415

    return DebianVersion(version)


def _alpine(version: str) -> object:
    from univers.versions import AlpineLinuxVersion  # noqa: PLC0415

    return AlpineLinuxVersion(version)


def _r(version: str) -> object:
    # To R a dash is a dot: 1.2-3 is the version after 1.2-2, not its third revision.
    return _debian(version.replace("-", "."))


_SCHEMES: Mapping[Ecosystem, tuple[Parser, ...]] = {
    Ecosystem.APT: (_debian,),
    Ecosystem.APK: (_alpine,),
    Ecosystem.PIP: (_pep440,),
    Ecosystem.CONDA: (_pep440, _debian),
    Ecosystem.R: (_r,),
    Ecosystem.NPM: (_semantic,),
    Ecosystem.JULIA: (_semantic,),
    Ecosystem.LAB: (_semantic,),
}
_APT_REVISION = re.compile(r"-[^-]*$|\+b\d+$")
"""The revision of Debian's packaging, or of a package without one the number of its rebuild."""
_APK_REVISION = re.compile(r"-r\d+$")
_BUILD = re.compile(r"\+.*$")
"""PEP 440's local version (2.15.0+cu132), the build metadata of semantic versions (Julia's 1.2.3+0)."""
_NO_REVISION = re.compile(r"(?!)")
_REVISIONS: Mapping[Ecosystem, re.Pattern[str]] = {
    Ecosystem.APT: _APT_REVISION,
    Ecosystem.APK: _APK_REVISION,
    Ecosystem.PIP: _BUILD,
    Ecosystem.CONDA: _NO_REVISION,
    Ecosystem.R: _NO_REVISION,
    Ecosystem.NPM: _BUILD,
    Ecosystem.JULIA: _BUILD,
    Ecosystem.LAB: _BUILD,
}


def _upstream(ecosystem: Ecosystem, version: str) -> str:
    return _REVISIONS[ecosystem].sub("", version, count=1)
