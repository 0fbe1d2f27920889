"""The versions that people ask for first, in a fixed order."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from ci.contents.found import Installed
from ci.contents.model import Contents, Ecosystem, Package
from ci.contents.names import normalised

_FILE = "file"
_VARIABLE = "variable"
# What is shown, and where its version may be found, the best place first: a file (what `Installed` is called), the
# packages of an ecosystem, a variable of the image's environment.
_KEYS = (
    ("OS", "file:OS"),
    ("Python", "file:Python", "conda:python", "apt:python3"),
    ("R", "file:R", "conda:r-base", "apt:r-base-core"),
    ("Julia", "file:Julia", "conda:julia"),
    ("JupyterLab", "pip:jupyterlab", "conda:jupyterlab"),
    ("Notebook", "pip:notebook", "conda:notebook"),
    ("JupyterHub", "pip:jupyterhub", "conda:jupyterhub"),
    ("IPython kernel", "pip:ipykernel", "conda:ipykernel"),
    ("CUDA", "file:CUDA", "file:CUDA of PyTorch", "file:CUDA of TensorFlow", "pip:nvidia-cuda-runtime*",
     "conda:cuda-version", "conda:cudatoolkit", "apt:cuda-cudart-[0-9]*", "variable:CUDA_VERSION"),
    ("cuDNN", "pip:nvidia-cudnn-cu*", "conda:cudnn", "apt:libcudnn[0-9]", "apt:libcudnn9-cuda-*",
     "file:cuDNN of TensorFlow"),
    ("PyTorch", "pip:torch", "conda:pytorch"),
    ("TensorFlow", "pip:tensorflow", "pip:tensorflow-cpu", "conda:tensorflow"),
    ("NumPy", "pip:numpy", "conda:numpy"),
    ("pandas", "pip:pandas", "conda:pandas"),
    ("nbgrader", "pip:nbgrader", "conda:nbgrader"),
    ("Otter-Grader", "pip:otter-grader", "conda:otter-grader"),
    ("RStudio", "apt:rstudio-server"),
    ("Java", "file:Java", "conda:openjdk"),
    ("Spark", "file:Spark", "pip:pyspark"),
    ("Node.js", "file:Node.js", "conda:nodejs", "apt:nodejs"),
)  # fmt: skip
_COMMANDS = {"Python", "Node.js"}
"""Programs of which the one on PATH counts, wherever its version is found: an image may have others in corners."""
_PREFIX = "/usr"
"""Where the packages of an operating system are."""
_DEBIAN_VERSION = re.compile(r"(?:\d+:)?(.+?)(?:-[^-]*)?")


class Sources(NamedTuple):
    """Where versions are looked up."""

    packages: Sequence[Package]
    installed: Sequence[Installed] = ()
    environment: Mapping[str, str] = {}


def key_versions(sources: Sources) -> Mapping[str, str]:
    """Return the version of each key program that the image has."""
    found = {name: _version(sources, places, on_path_first=name in _COMMANDS) for name, *places in _KEYS}
    return {name: version for name, version in found.items() if version}


def highlights(contents: Contents, added: Iterable[str] = ()) -> Mapping[str, str]:
    """Return the key versions of an image, and those of `[describe] highlights`, such as `pip:polars`, that it has."""
    sources = Sources(contents.packages, environment=contents.config.environment)
    more = {place.partition(":")[2]: _version(sources, [place]) for place in added}
    return {**in_order(contents.system.versions), **{name: version for name, version in more.items() if version}}


def in_order(versions: Mapping[str, str]) -> Mapping[str, str]:
    """Return key versions in the order in which people look for them: records have them in that of their names."""
    known = {name: versions[name] for name, *_ in _KEYS if name in versions}
    return {**known, **versions}


def _version(sources: Sources, places: Iterable[str], *, on_path_first: bool = False) -> str:
    """Return the version at the first of several places that has one.

    Of several environments, that counts which comes first on PATH: what a person gets who types the program's name.
    """
    path = [posixpath.dirname(one.rstrip("/")) for one in sources.environment.get("PATH", "").split(":") if one]
    found: list[tuple[int, int, str, str]] = []
    for number, place in enumerate(places):
        for where, version in _at(sources, place):
            rank = path.index(where) if where in path else len(path)
            found.append((rank, number, where, version) if on_path_first else (number, rank, where, version))
    return min(found)[-1] if found else ""


def _at(sources: Sources, place: str) -> Iterator[tuple[str, str]]:
    """Return the locations and versions at a place."""
    kind, _, name = place.partition(":")
    if kind == _FILE:
        yield from ((one.prefix, one.version) for one in sources.installed if one.name == name)
    elif kind == _VARIABLE:
        yield from [("", sources.environment[name])] if sources.environment.get(name) else []
    else:
        ecosystem = Ecosystem(kind)
        wanted = normalised(ecosystem, name)
        for package in sources.packages:
            if package.ecosystem is ecosystem and fnmatchcase(normalised(ecosystem, package.name), wanted):
                yield package.location or _PREFIX, _upstream(package)


def _upstream(package: Package) -> str:
    """Return a package's version without what Debian puts around it."""
    match = _DEBIAN_VERSION.fullmatch(package.version) if package.ecosystem is Ecosystem.APT else None
    return match[1] if match else package.version
