"""Images and stacks as tests need them."""

from collections.abc import Mapping

import msgspec

from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents, DescribedLayer, Ecosystem, ImageConfig, Kernel, Package, System

OLD, NEW = "2026.4-stable", "the source tree"
PARENTS: Mapping[str, str | None] = {"base": None, "ds": "base", "r": "base", "ml": "ds"}


# Version before, higher, and rebuilt, as each ecosystem writes them; None where it has no such thing.
PLANTED: Mapping[Ecosystem, tuple[str, str, str | None]] = {
    Ecosystem.APT: ("1.0-1", "1.1-1", "1.0-2"),
    Ecosystem.APK: ("1.0-r0", "1.1-r0", "1.0-r1"),
    Ecosystem.PIP: ("1.0", "1.10", "1.0+cu132"),
    Ecosystem.CONDA: ("1.0", "1.10", None),
    Ecosystem.R: ("1.0-2", "1.0-10", None),
    Ecosystem.NPM: ("1.0.0", "1.10.0", "1.0.0+2"),
    Ecosystem.JULIA: ("1.0.0", "1.10.0", "1.0.0+2"),
    Ecosystem.LAB: ("1.0.0", "1.10.0", "1.0.0+2"),
}


def package(text: str, **fields: object) -> Package:
    """Return the package of `pip:numpy=2.1.0`."""
    ecosystem, _, rest = text.partition(":")
    name, _, version = rest.partition("=")
    found = Package(ecosystem=Ecosystem(ecosystem), name=name, version=version)
    return msgspec.structs.replace(found, **fields)


def packages(*texts: str, **fields: object) -> tuple[Package, ...]:
    return tuple(package(text, **fields) for text in texts)


def kernel(name: str, display_name: str = "Python 3", location: str = "/opt/venv/share/jupyter/kernels") -> Kernel:
    return Kernel(name=name, display_name=display_name, language="python", location=f"{location}/{name}")


def layer(digest: str, size: int | None, instruction: str = "", image: str | None = None) -> DescribedLayer:
    return DescribedLayer(digest=digest, compressed_size=size, instruction=instruction or f"RUN {digest}", image=image)


def contents(image: str = "base", *found: Package, **fields: object) -> Contents:
    plain = Contents(
        image=image,
        digest=f"sha256:{image}",
        platform="linux/amd64",
        system=System(os_id="debian", os_version="12", os_name="Debian 12.15", architecture="amd64"),
        config=ImageConfig(),
        packages=found,
        kernels=(),
        layers=(),
        size=1_000_000_000,
        compressed_size=400_000_000,
        entries=10,
    )
    return msgspec.structs.replace(plain, **fields)


def stack(
    name: str,
    *images: Contents,
    parents: Mapping[str, str | None] = PARENTS,
    missing: Mapping[str, str] | None = None,
) -> DescribedStack:
    names = [*(one.image for one in images), *(missing or {})]
    return DescribedStack(
        name=name,
        images={one.image: one for one in images},
        parents={one: parents.get(one) for one in names},
        missing=missing or {},
    )


def planted(ecosystem: Ecosystem) -> tuple[tuple[Package, ...], tuple[Package, ...]]:
    """Return the packages of one ecosystem before and after a change of every kind."""
    version, higher, rebuilt = PLANTED[ecosystem]
    common = [f"{ecosystem}:same={version}"]
    old = packages(*common, *(f"{ecosystem}:{name}={version}" for name in ("gone", "up", "rebuilt", "odd")))
    built = package(f"{ecosystem}:rebuilt={rebuilt or version}", source="" if rebuilt else "another build")
    new = packages(*common, f"{ecosystem}:up={higher}", f"{ecosystem}:odd=?", f"{ecosystem}:come={version}")
    return old, (*new, built)
