"""What is in an image, as values: packages, kernels, versions, configuration, layers."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

SCHEMA = 1
"""The version of the JSON form of Contents. A reader refuses a higher one."""


class Ecosystem(StrEnum):
    """Where a package comes from: the tool that installed it."""

    APT = "apt"
    APK = "apk"
    PIP = "pip"
    CONDA = "conda"
    R = "R"
    NPM = "npm"
    JULIA = "Julia"
    LAB = "lab extension"


class Package(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One installed package. `name` is as its own tool prints it; pip's are compared normalised (PEP 503)."""

    ecosystem: Ecosystem
    name: str
    version: str
    location: str = ""
    """The environment or library: /opt/venv, /opt/conda, /usr/lib/R/site-library. Empty for apt and apk."""
    size: int | None = None
    """Bytes, as its own record says; None where it says nothing."""
    source: str = ""
    """apt: the source package, `openssl=3.0.22-1`; conda: channel/subdir/build, without what its record
    does not say; pip: the URL of direct_url.json."""
    license: str = ""
    """As the package itself says, at most 80 characters."""
    owner: str = ""
    """The package of another ecosystem that put it there: `apt:r-cran-dplyr`, `conda:numpy`."""


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """One Jupyter kernel. `name` is that of its folder, `location` the folder."""

    name: str
    display_name: str
    language: str
    location: str


class System(msgspec.Struct, frozen=True, kw_only=True):
    """The operating system, and the versions that people ask for first: `"Python": "3.11.2"`, `"CUDA": "13.2"`."""

    os_id: str = ""
    os_version: str = ""
    os_name: str = ""
    architecture: str = ""
    versions: Mapping[str, str] = {}


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of an image, as in the OCI image specification."""

    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    stop_signal: str = ""


class DescribedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer, the lowest first. `image` is that of the stack whose Dockerfile has the instruction, if any.

    `compressed_size` is what a download takes, `size` that of its files; bytes, None where it was not measured.
    """

    digest: str
    compressed_size: int | None
    instruction: str
    image: str | None
    size: int | None = None


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is in one image, by its digest: no tag, no commit and no time, so that a digest has one description."""

    schema: int = SCHEMA
    image: str
    digest: str
    platform: str
    system: System
    config: ImageConfig
    packages: tuple[Package, ...]
    """Sorted by ecosystem, name, location, version."""
    kernels: tuple[Kernel, ...]
    layers: tuple[DescribedLayer, ...]
    size: int
    compressed_size: int | None
    entries: int
    """Files, folders and links."""
    unread: tuple[str, ...] = ()
    """Sentences: what is there and was not read."""
    problems: tuple[str, ...] = ()
    """Sentences: what was read and is wrong."""
