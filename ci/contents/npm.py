"""npm packages that are installed globally, and the extensions of JupyterLab: folders with a package.json."""

import posixpath
import re
from collections.abc import Callable

import msgspec

from ci.contents.found import Files, Found, license_of, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import Ecosystem, Package
from ci.contents.site_folders import in_site_folder

_NESTED = re.compile(r"(?:^|/)node_modules/.*/node_modules/", re.DOTALL)
_LAB = "share/jupyter/labextensions"


class _Manifest(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    license: object = ""


class _Install(msgspec.Struct, frozen=True, rename="camel"):
    """install.json: the package of another ecosystem that brought an extension."""

    package_manager: str = ""
    package_name: str = ""


def read_npm(files: Files) -> Found:
    """Read the packages of each global node_modules, without what these packages depend on."""
    chosen = {path: data for path, data in files.items() if not _NESTED.search(path) and not in_site_folder(path)}
    return _read(chosen, Ecosystem.NPM, lambda path: path.rpartition("/lib/node_modules/")[0])


def read_lab_extensions(files: Files) -> Found:
    """Read the prebuilt extensions of JupyterLab in each environment."""
    # Packages bring a copy of some below their own folder; JupyterLab looks only in the environment.
    chosen = {path: data for path, data in files.items() if not in_site_folder(path)}
    return _read(chosen, Ecosystem.LAB, lambda path: path.rpartition(f"/{_LAB}/")[0])


def _read(files: Files, ecosystem: Ecosystem, prefix: Callable[[str], str]) -> Found:
    problems: list[str] = []
    packages: list[Package] = []
    for path in sorted(files):
        if posixpath.basename(path) != "package.json":
            continue
        manifest = decoded(path, files[path], _Manifest, problems)
        if manifest is not None and manifest.name and manifest.version:
            packages.append(
                Package(
                    ecosystem=ecosystem,
                    name=word(manifest.name),
                    version=word(manifest.version),
                    location=shown(prefix(f"/{path}")),
                    license=license_of(_license(manifest.license)),
                    owner=_owner(files, f"{posixpath.dirname(path)}/install.json", problems),
                )
            )
        elif manifest is not None:
            problems.append(f"{shown(path)} has no {'version' if manifest.name else 'name'}.")
    return Found(packages=tuple(packages), problems=tuple(problems))


def _license(said: object) -> str:
    """Return a licence: old packages have an object with its type."""
    kind = said.get("type", "") if isinstance(said, dict) else said
    return kind if isinstance(kind, str) else ""


def _owner(files: Files, path: str, problems: list[str]) -> str:
    install = decoded(path, files[path], _Install, problems) if path in files else None
    if install is None or not install.package_name:
        return ""
    return f"{Ecosystem.PIP}:{word(install.package_name)}" if install.package_manager == "python" else ""
