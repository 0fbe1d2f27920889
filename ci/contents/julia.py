"""Julia packages: the Manifest.toml of each environment, and what else is in the depot of that environment."""

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ci.contents.fields import text_of
from ci.contents.found import Files, Found, Installed, shown, word
from ci.contents.model import Ecosystem, Package

_IN_DEPOT = re.compile(r"(?P<depot>(?:.*?/)?)packages/[^/]+/[^/]+/(?:Julia)?Project\.toml", re.DOTALL)
_HEADER = re.compile(r'#define\s+JULIA_VERSION_STRING\s+"([^"]{1,40})"')


class _Entry(NamedTuple):
    name: str
    uuid: str
    version: str


def read_julia(files: Files) -> Found:
    """Read the packages of each environment, without those of Julia's own library.

    A package of a depot that no environment there has is one as well; its location is the depot.
    """
    problems: list[str] = []
    packages: list[Package] = []
    installed: list[Installed] = []
    resolved: set[tuple[str, str, str]] = set()
    for path in sorted(files):
        folder, name = posixpath.split(path)
        if name == "julia_version.h":
            header = _HEADER.search(text_of(path, files[path], problems))
            prefix = shown(folder.removesuffix("include/julia"))
            installed.extend([Installed(name="Julia", version=header[1], prefix=prefix.rstrip("/"))] if header else [])
        elif "Manifest" in name:
            document = _toml(path, files[path], problems)
            depot = posixpath.dirname(posixpath.dirname(folder))
            for entry in _manifest(document):
                packages.append(_package(entry, folder))
                resolved.add((depot, entry.uuid, entry.version))
            version = word(_text(document, "julia_version"))
            installed.extend([Installed(name="Julia", version=version, prefix=shown(folder))] if version else [])
    packages.extend(_unresolved(files, resolved, problems))
    return Found(packages=tuple(packages), installed=tuple(installed), problems=tuple(problems))


def _unresolved(files: Files, resolved: set[tuple[str, str, str]], problems: list[str]) -> Iterator[Package]:
    for path in sorted(files):
        place = _IN_DEPOT.fullmatch(path)
        # A depot inside of a package belongs to its tests.
        if place is None or "packages/" in place["depot"]:
            continue
        depot = place["depot"].rstrip("/")
        document = _toml(path, files[path], problems)
        entry = _Entry(*(word(_text(document, key)) for key in ("name", "uuid", "version")))
        if document and not (entry.name and entry.version):
            problems.append(f"{shown(path)} has no {'version' if entry.name else 'name'}.")
        elif document and (depot, entry.uuid, entry.version) not in resolved:
            yield _package(entry, depot)


def _manifest(document: Mapping[str, object]) -> Iterator[_Entry]:
    """Return the packages of a manifest. Those of Julia's own library have neither a tree nor a path."""
    # Before format 2, the packages were the top of the document.
    packages = document.get("deps") if "manifest_format" in document else document
    for name, entries in sorted(packages.items()) if isinstance(packages, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and {"git-tree-sha1", "path"} & entry.keys() and _text(entry, "version"):
                yield _Entry(word(name), word(_text(entry, "uuid")), word(_text(entry, "version")))


def _package(entry: _Entry, folder: str) -> Package:
    return Package(
        ecosystem=Ecosystem.JULIA, name=entry.name, version=entry.version, location=shown(folder), source=entry.uuid
    )


def _toml(path: str, data: bytes, problems: list[str]) -> Mapping[str, object]:
    try:
        return tomllib.loads(text_of(path, data, problems))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else word(str(error))
        problems.append(f"{shown(path)} cannot be read: {reason}.")
        return {}


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    return value if isinstance(value, str) else ""
