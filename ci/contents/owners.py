"""Which package of an operating system, or of conda, put a package of R or Python there."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from ci.contents.model import Ecosystem, Package
from ci.contents.names import normalised

_DEBIAN_R = "/usr/lib/R/"
_DEBIAN_PYTHON = "/usr"


class _Names(NamedTuple):
    apt: Collection[str]
    conda: Collection[tuple[str, str, str]]
    """Environment, normalised name and version."""


def with_owners(packages: Iterable[Package]) -> Iterator[Package]:
    """Return the packages, with an owner where the naming rules of Debian and conda give one."""
    found = tuple(packages)
    names = _Names(
        apt=frozenset(one.name for one in found if one.ecosystem is Ecosystem.APT),
        conda=frozenset(
            (one.location, normalised(Ecosystem.PIP, one.name), one.version)
            for one in found
            if one.ecosystem is Ecosystem.CONDA
        ),
    )
    for package in found:
        owner = package.owner or _owner(package, names)
        yield msgspec.structs.replace(package, owner=owner) if owner else package


def _owner(package: Package, names: _Names) -> str:
    name = normalised(Ecosystem.PIP, package.name)
    if package.ecosystem is Ecosystem.PIP:
        if (package.location, name, package.version) in names.conda:
            return f"{Ecosystem.CONDA}:{name}"
        # python3-yaml is PyYAML, python3-dateutil is python-dateutil.
        short = name.removeprefix("python-").removeprefix("py")
        guesses = [f"python3-{one}" for one in (name, short)] if package.location == _DEBIAN_PYTHON else []
        return next((f"{Ecosystem.APT}:{guess}" for guess in guesses if guess in names.apt), "")
    if package.ecosystem is Ecosystem.R:
        guesses = [f"{prefix}-{package.name.lower()}" for prefix in ("r-cran", "r-bioc", "r-other", "r-omegahat")]
        if package.location.startswith(_DEBIAN_R):
            return next((f"{Ecosystem.APT}:{guess}" for guess in guesses if guess in names.apt), "")
        environment = package.location.partition("/lib/R/")[0]
        guesses = [f"r-{package.name.lower()}", f"bioconductor-{package.name.lower()}"]
        owned = {guess for guess in guesses if (environment, guess, conda_version(package.version)) in names.conda}
        return next((f"{Ecosystem.CONDA}:{guess}" for guess in guesses if guess in owned), "")
    return ""


def conda_version(version: str) -> str:
    """Return an R package's version as conda writes it: without hyphens."""
    return version.replace("-", "_")
