"""R packages: the DESCRIPTION of each package in each library."""

import posixpath
import re

from ci.contents.fields import first_paragraph, text_of
from ci.contents.found import Files, Found, Installed, license_of, shown, word
from ci.contents.model import Ecosystem, Package

_LIBRARY = re.compile(r"(?:^|/)R/(?:[^/]+/)*?(?:[^/]*-)?library/(?:[0-9.]+/)?")
_BELOW_PREFIX = re.compile(r"/lib(?:64)?/R/library$")


def read_r(files: Files) -> Found:
    """Read the packages of each library, without those that R itself consists of."""
    problems: list[str] = []
    packages: list[Package] = []
    installed: list[Installed] = []
    for path in sorted(filter(_is_of_library, files)):
        fields = first_paragraph(text_of(path, files[path], problems))
        name, version = word(fields.value("Package")), word(fields.value("Version"))
        library = shown(posixpath.dirname(posixpath.dirname(path)))
        is_base = fields.value("Priority") == "base"
        if not name or not version:
            problems.append(f"{shown(path)} has no {'version' if name else 'name'}.")
        elif is_base and name == "base":
            installed.append(Installed(name="R", version=version, prefix=_BELOW_PREFIX.sub("", library)))
        elif not is_base and fields.value("Built"):
            # Without this field it is only the source of a package: R passes over it, too.
            said = license_of(fields.value("License"))
            packages.append(Package(ecosystem=Ecosystem.R, name=name, version=version, location=library, license=said))
    return Found(packages=tuple(packages), installed=tuple(installed), problems=tuple(problems))


def _is_of_library(path: str) -> bool:
    """Return whether a DESCRIPTION is that of a package in a library, and not of something inside of a package."""
    library = _LIBRARY.search(path)
    return library is not None and path.count("/", library.end()) == 1
