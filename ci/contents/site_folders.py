"""The folders that Python packages are in, and the environments that these folders belong to."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ci.contents.found import shown

_SITE = re.compile(r"(?:^|/)(?:site|dist)-packages/")
_LIBRARY = re.compile(
    r"(?P<prefix>.*?)(?:^|/)lib(?:32|64)?/(?P<python>(?:python|pypy)[0-9.]*)/(?:site|dist)-packages", re.DOTALL
)


def site_folder(path: str) -> str | None:
    """Return the first site-packages or dist-packages folder on the way to a path; None if there is none.

    Only its direct children are packages of an environment: what is deeper is a copy that a package brought.
    """
    found = _SITE.search(path)
    return path[: found.end() - 1] if found else None


def in_site_folder(path: str) -> bool:
    """Return whether a path is anywhere below a folder of Python packages."""
    return _SITE.search(path) is not None


def locations(sites: Iterable[str]) -> Mapping[str, str]:
    """Return how the environment of each site folder is shown: its prefix, such as /opt/venv.

    Where a prefix has several Pythons, it is the folder of the Python below it; where a folder is in none, itself.
    """
    found = {site: _LIBRARY.fullmatch(site) for site in sites}
    pythons: dict[str, set[str]] = defaultdict(set)
    for match in found.values():
        # Debian's python3/dist-packages is for every Python 3 of that prefix.
        if match and match["python"] not in {"python", "python3"}:
            pythons[match["prefix"]].add(match["python"])
    return {
        site: shown(site if match is None else _location(match["prefix"], match["python"], pythons))
        for site, match in found.items()
    }


def _location(prefix: str, python: str, pythons: Mapping[str, set[str]]) -> str:
    several = len(pythons.get(prefix, ())) > 1
    return f"{prefix}/lib/{python}" if several else prefix
