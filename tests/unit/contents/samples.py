"""Images and stacks as tests need them."""

from collections.abc import Mapping
from typing import Any

from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents, DescribedLayer, Ecosystem, ImageConfig, Kernel, Package, System

OLD, NEW = "2026.4-stable", "the source tree"
PARENTS = {"base": None, "ds": "base", "r": "base", "ml": "ds"}


def package(text: str, **fields: Any) -> Package:
    """Return the package of `pip:numpy=2.1.0`."""
    ecosystem, _, rest = text.partition(":")
    name, _, version = rest.partition("=")
    return Package(ecosystem=Ecosystem(ecosystem), name=name, version=version, **fields)


def packages(*texts: str, **fields: Any) -> tuple[Package, ...]:
    return tuple(package(text, **fields) for text in texts)


def kernel(name: str, display_name: str = "Python 3", location: str = "/opt/venv/share/jupyter/kernels") -> Kernel:
    return Kernel(name=name, display_name=display_name, language="python", location=f"{location}/{name}")


def layer(digest: str, size: int | None, instruction: str = "", image: str | None = None) -> DescribedLayer:
    return DescribedLayer(
        digest=digest, compressed_size=size, instruction=instruction or f"RUN {digest}", image=image
    )


def contents(image: str = "base", *found: Package, **fields: Any) -> Contents:
    values: dict[str, Any] = {
        "digest": f"sha256:{image}",
        "platform": "linux/amd64",
        "system": System(os_id="debian", os_version="12", os_name="Debian 12.15", architecture="amd64"),
        "config": ImageConfig(),
        "kernels": (),
        "layers": (),
        "size": 1_000_000_000,
        "compressed_size": 400_000_000,
        "entries": 10,
    }
    return Contents(image=image, packages=found, **{**values, **fields})


def stack(name: str, *images: Contents, parents: Mapping[str, str | None] | None = None, **fields: Any) -> DescribedStack:
    known = PARENTS if parents is None else parents
    return DescribedStack(
        name=name,
        images={one.image: one for one in images},
        parents={one.image: known.get(one.image) for one in images},
        **fields,
    )
