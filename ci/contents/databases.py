"""Which files of an image say what is in it: patterns, and the reader of what matches each.

The patterns are for `find -regextype posix-extended` as well as for Python, and match whole paths without a leading
slash. Only files are read: no link is followed, and what a link points to is read where it is.
"""

import re
from typing import NamedTuple

from ci.contents.apk import read_apk
from ci.contents.conda import read_conda
from ci.contents.dpkg import read_dpkg
from ci.contents.found import Reader
from ci.contents.julia import read_julia
from ci.contents.jupyter import read_kernels
from ci.contents.npm import read_lab_extensions, read_npm
from ci.contents.pip import read_pip
from ci.contents.r import read_r
from ci.contents.system import read_os, read_programs


class Database(NamedTuple):
    """Files, and who reads them."""

    pattern: str
    read: Reader


DATABASES = (
    Database(r"(etc|usr/lib)/os-release|etc/debian_version", read_os),
    Database(r"var/lib/dpkg/(status|status\.d/[^/]+)", read_dpkg),
    Database(r"(usr/)?lib/apk/db/installed", read_apk),
    Database(
        r"(.*/)?(site|dist)-packages/([^/]+\.dist-info/(METADATA|RECORD|direct_url\.json)|[^/]+\.egg-info"
        r"|[^/]+\.egg/EGG-INFO/PKG-INFO|[^/]+\.egg-link)|(.*/)?[^/]+\.egg-info/PKG-INFO",
        read_pip,
    ),
    Database(r"(.*/)?conda-meta/[^/]+\.json", read_conda),
    Database(r"(.*/)?R/(.*/)?([^/]*-)?library/([0-9.]+/)?[^/]+/DESCRIPTION", read_r),
    Database(r"(.*/)?lib/node_modules/(@[^/]+/)?[^/]+/package\.json", read_npm),
    Database(r"(.*/)?share/jupyter/labextensions/(@[^/]+/)?[^/]+/(package|install)\.json", read_lab_extensions),
    Database(r"(.*/)?share/jupyter/kernels/[^/]+/kernel\.json", read_kernels),
    Database(
        r"(.*/)?environments/v[0-9.]+/(Julia)?Manifest(-v[0-9.]+)?\.toml"
        r"|(.*/)?packages/[^/]+/[A-Za-z0-9]{4,5}/(Julia)?Project\.toml|(.*/)?include/julia/julia_version\.h",
        read_julia,
    ),
    Database(
        r"(.*/)?pyvenv\.cfg|(.*/)?include/python[0-9.]+[a-z]*/patchlevel\.h|usr/local/cuda[^/]*/version\.json"
        r"|(.*/)?(torch/version|tensorflow/python/platform/build_info)\.py|(.*/)?include/node/node_version\.h"
        r"|(.*/)?[^/]*(spark|SPARK)[^/]*/RELEASE|(.*/)?[^/]*(jdk|jre|java|jvm)[^/]*/release",
        read_programs,
    ),
)
EXCLUDED = r"(.*/)?(pkgs/[^/]+/(lib|share|info|conda-meta|etc)|\.cache)/.*"
"""Caches of conda and others: what is in them is not installed."""
NOTICED = (
    r"(var/lib|usr/lib/sysimage)/rpm/(Packages|Packages\.db|rpmdb\.sqlite)|var/lib/pacman/local/ALPM_DB_VERSION"
    r"|nix/var/nix/db/db\.sqlite|(.*/)?(site|dist)-packages/[^/]+\.egg"
)
"""Databases of kinds that are not read: they are named."""


def pattern() -> str:
    """Return the pattern of all files that are read."""
    return "|".join(database.pattern for database in DATABASES)


def matcher(pattern_: str) -> re.Pattern[str]:
    """Return a pattern for Python: a path may have line breaks."""
    return re.compile(pattern_, re.DOTALL)
