"""Conda packages: the conda-meta folder of each environment."""

import posixpath

import msgspec

from ci.contents.found import Files, Found, license_of, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import Ecosystem, Package
from ci.contents.names import split_subdir


class _Path(msgspec.Struct, frozen=True):
    size_in_bytes: int | None = None


class _PathsData(msgspec.Struct, frozen=True):
    paths: tuple[_Path, ...] = ()


class _Record(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    build: str = ""
    channel: str = ""
    subdir: str = ""
    license: str | None = ""
    paths_data: _PathsData | None = None


def read_conda(files: Files) -> Found:
    """Read the packages of each environment."""
    problems: list[str] = []
    packages: list[Package] = []
    for path in sorted(files):
        record = decoded(path, files[path], _Record, problems)
        if record is not None and record.name and record.version:
            packages.append(_package(path, record))
        elif record is not None:
            problems.append(f"{shown(path)} has no {'version' if record.name else 'name'}.")
    return Found(packages=tuple(packages), problems=tuple(problems))


def _package(path: str, record: _Record) -> Package:
    paths = record.paths_data.paths if record.paths_data else ()
    channel, subdir = _channel(record.channel)
    sizes = [one.size_in_bytes for one in paths if one.size_in_bytes is not None]
    return Package(
        ecosystem=Ecosystem.CONDA,
        name=word(record.name),
        version=word(record.version),
        location=shown(posixpath.dirname(posixpath.dirname(path))),
        size=sum(sizes) if sizes else None,
        source="/".join(part for part in (channel, word(record.subdir) or subdir, word(record.build)) if part),
        license=license_of(record.license or ""),
    )


def _channel(address: str) -> tuple[str, str]:
    """Return the name of a channel and its subdir: `conda-forge`, `linux-64`.

    Its address is https://conda.anaconda.org/conda-forge/linux-64, or https://…/t/TOKEN/conda-forge/linux-64 where one
    must log in.
    """
    parts = [part for part in address.partition("://")[2].split("/")[1:] if part] or address.split("/")
    match parts:
        case ["t", _, *name] if name:
            parts = name
    return split_subdir(word("/".join(parts)))
