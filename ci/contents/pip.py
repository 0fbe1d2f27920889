"""Python packages: the dist-info, egg-info and egg-link of each site-packages folder."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from ci.contents.fields import Paragraph, first_paragraph, text_of
from ci.contents.found import Files, Found, license_of, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import Ecosystem, Package
from ci.contents.names import normalised
from ci.contents.site_folders import locations, site_folder

_METADATA = ("METADATA", "PKG-INFO", "EGG-INFO/PKG-INFO", "")
"""Files with the name and version, by their path below the package's own entry; "" is that entry itself."""
_SIZE = re.compile(rb",(\d{1,15})\r?$", re.MULTILINE)
_CLASSIFIER = "License :: "


class _DirectUrl(msgspec.Struct, frozen=True):
    url: str = ""


class _Entry(NamedTuple):
    """The dist-info, egg-info or egg folder of one package, or the single file that old tools wrote."""

    site: str
    name: str
    files: Mapping[str, bytes]
    """By path below the entry."""

    @property
    def path(self) -> str:
        return posixpath.join(self.site, self.name)

    def path_of(self, file: str) -> str:
        return posixpath.join(self.path, file).rstrip("/")


def read_pip(files: Files) -> Found:
    """Read the packages of each environment. Copies inside of other packages are no packages of an environment."""
    problems: list[str] = []
    entries = sorted(_entries(files), key=lambda entry: entry.path)
    linked = list(_linked(files, problems))
    where = locations({entry.site for entry in entries} | {site for site, _ in linked})
    found = [(entry.site, _package(entry, where[entry.site], problems)) for entry in entries]
    for site, entry in linked:
        package = _package(entry, where[site], problems)
        source = f"file://{shown(entry.site)}"
        found.append((site, package and msgspec.structs.replace(package, source=source)))
    return Found(packages=tuple(_each_once(found, problems)), problems=tuple(problems))


def _entries(files: Files) -> Iterator[_Entry]:
    grouped: dict[tuple[str, str], dict[str, bytes]] = defaultdict(dict)
    for path, data in files.items():
        site = site_folder(path)
        if site is not None:
            name, _, below = path[len(site) + 1 :].partition("/")
            if name.endswith((".dist-info", ".egg-info", ".egg")):
                grouped[site, name][below] = data
    return (_Entry(site, name, found) for (site, name), found in grouped.items())


def _linked(files: Files, problems: list[str]) -> Iterator[tuple[str, _Entry]]:
    """Return what egg-links point to, with the site folder that each link is in."""
    described: dict[str, list[str]] = defaultdict(list)
    for path in sorted(files):
        if path.endswith(".egg-info/PKG-INFO"):
            described[posixpath.dirname(posixpath.dirname(path))].append(path)
    for path in sorted(files):
        site = posixpath.dirname(path)
        if not path.endswith(".egg-link") or site != site_folder(path):
            continue
        target = text_of(path, files[path], problems).partition("\n")[0].strip().strip("/")
        if target not in described:
            problems.append(f"{shown(path)} links to {word(shown(target))}, where no package is described.")
        for info in described.get(target, ()):
            yield site, _Entry(target, posixpath.basename(posixpath.dirname(info)), {"PKG-INFO": files[info]})


def _package(entry: _Entry, location: str, problems: list[str]) -> Package | None:
    name = next((one for one in _METADATA if one in entry.files), None)
    if name is None:
        problems.append(f"{shown(entry.path)} has no METADATA.")
        return None
    metadata = first_paragraph(text_of(entry.path_of(name), entry.files[name], problems))
    stem, _, stem_version = entry.name.rpartition(".")[0].partition("-")
    said = {"name": word(metadata.value("Name")), "version": word(metadata.value("Version"))}
    missing = " and ".join(what for what, value in said.items() if not value)
    if missing:
        problems.append(f"{shown(entry.path_of(name))} has no {missing}.")
    package_name = said["name"] or word(shown(stem)[1:])
    version = said["version"] or word(shown(stem_version.partition("-")[0])[1:])
    if not package_name or not version:
        return None
    return Package(
        ecosystem=Ecosystem.PIP,
        name=package_name,
        version=version,
        location=location,
        size=_size(entry.files.get("RECORD", b"")),
        source=_source(entry, problems),
        license=_license(metadata),
    )


def _size(record: bytes) -> int | None:
    sizes = _SIZE.findall(record)
    return sum(map(int, sizes)) if sizes else None


def _source(entry: _Entry, problems: list[str]) -> str:
    data = entry.files.get("direct_url.json")
    found = decoded(entry.path_of("direct_url.json"), data, _DirectUrl, problems) if data is not None else None
    return word(found.url) if found else ""


def _license(metadata: Paragraph) -> str:
    classifiers = [one for one in metadata.values("Classifier") if one.startswith(_CLASSIFIER)]
    # Some have the licence's whole text in the field.
    said = metadata.value("License-Expression") or metadata.value("License").strip().partition("\n")[0]
    return license_of(said or ", ".join(one.rpartition(" :: ")[2] for one in classifiers))


def _each_once(found: list[tuple[str, Package | None]], problems: list[str]) -> Iterator[Package]:
    """Return the packages. Several of one name in one folder are a problem, and a row for each version."""
    by_name: dict[tuple[str, str], dict[str, Package]] = defaultdict(dict)
    times: dict[tuple[str, str], int] = defaultdict(int)
    for site, package in found:
        if package is not None:
            key = site, normalised(Ecosystem.PIP, package.name)
            by_name[key].setdefault(package.version, package)
            times[key] += 1
    for (site, name), versions in by_name.items():
        if times[site, name] > 1:
            problems.append(f"{name} is installed {times[site, name]} times in {shown(site)}: {', '.join(versions)}.")
        yield from versions.values()
