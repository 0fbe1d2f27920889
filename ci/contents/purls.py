"""Package URLs: the names by which scanners and registries know a package."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci.contents.credentials import looks_like_credential
from ci.contents.model import Ecosystem, Package, System
from ci.contents.names import normalised, split_subdir

if TYPE_CHECKING:
    from packageurl import PackageURL

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TYPES: Mapping[Ecosystem, str] = {
    Ecosystem.APT: "deb",
    Ecosystem.APK: "apk",
    Ecosystem.PIP: "pypi",
    Ecosystem.CONDA: "conda",
    Ecosystem.R: "cran",
    Ecosystem.NPM: "npm",
    Ecosystem.JULIA: "julia",
    Ecosystem.LAB: "npm",
}
SYSTEM_PACKAGES = (Ecosystem.APT, Ecosystem.APK)
"""Those of the operating system."""


def image_purl(image: str, digest: str) -> "PackageURL":
    """Return the URL of an image."""
    from packageurl import PackageURL  # noqa: PLC0415 (0.03 s that only those who write a bill of materials should pay)

    return PackageURL(type="oci", name=image, version=digest)


def package_purl(package: Package, system: System) -> "PackageURL | None":
    """Return the URL of a package of an image with this operating system; None for what can be no name in a URL."""
    from packageurl import PackageURL  # noqa: PLC0415

    namespace, name = None, normalised(package.ecosystem, package.name)
    if package.ecosystem in SYSTEM_PACKAGES:
        namespace, name = system.os_id or None, name.partition(":")[0]
    elif _TYPES[package.ecosystem] == "npm" and name.startswith("@"):
        namespace, _, name = name.rpartition("/")
    if not name.replace("/", " ").strip():
        return None
    return PackageURL(
        type=_TYPES[package.ecosystem],
        namespace=namespace,
        name=name,
        version=package.version or None,
        qualifiers={key: value for key, value in _qualifiers(package, system).items() if value},
    )


def source_of(package: Package) -> tuple[str, str]:
    """Return the name and version of the source package, which advisories name; the package's own by default."""
    name, _, version = package.source.partition("=")
    return name or package.name.partition(":")[0], version or package.version


def _qualifiers(package: Package, system: System) -> Mapping[str, str]:
    match package.ecosystem:
        case Ecosystem.APT | Ecosystem.APK:
            return _system_qualifiers(package, system)
        case Ecosystem.CONDA:
            channel, _, build = package.source.rpartition("/")
            channel, subdir = split_subdir(channel)
            return {"build": build, "channel": channel, "subdir": subdir}
        case Ecosystem.JULIA:
            return {"uuid": package.source if _UUID.fullmatch(package.source) else ""}
        case Ecosystem.PIP:
            shown = "" if looks_like_credential("", package.source) else package.source
            return {"vcs_url" if shown.startswith("git+") else "download_url": shown}
        case _:
            return {}


def _system_qualifiers(package: Package, system: System) -> Mapping[str, str]:
    name, _, architecture = package.name.partition(":")
    source, version = source_of(package)
    upstream = source if version == package.version else f"{source}@{version}"
    return {
        "arch": architecture or system.architecture,
        "distro": f"{system.os_id}-{system.os_version}" if system.os_id and system.os_version else "",
        "upstream": upstream if upstream != name else "",
    }
