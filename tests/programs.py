"""Programs of others for tests, from Debian and from Go modules, and ports for them."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from native_engine.binaries import find_go

_PACKAGES = Path(__file__).parents[1] / ".venv" / "packages"


def docker_registry() -> Path:
    """Return the program docker-registry: from PATH, or from its package.

    Its package is not installed, because it starts a service on a port that others may need.
    """
    found = shutil.which("docker-registry")
    return Path(found) if found else unpacked("docker-registry") / "usr" / "bin" / "docker-registry"


class Chromium(NamedTuple):
    """A browser, the program that steers it, and the environment of both."""

    program: Path
    driver: Path
    environment: Mapping[str, str]


def chromium() -> Chromium:
    """Return Chromium and its driver: from PATH, or from their packages and those that they need."""
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if found and driver:
        return Chromium(Path(found), Path(driver), os.environ)
    root = unpacked("chromium", "chromium-driver", "fonts-dejavu-core", with_dependencies=True)
    libraries = dict.fromkeys(str(file.parent) for file in root.glob("usr/lib/*-linux-gnu/**/*.so*"))
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}
    if not Path("/etc/fonts/fonts.conf").exists():
        environment |= {"FONTCONFIG_FILE": f"{root}/etc/fonts/fonts.conf", "XDG_DATA_HOME": f"{root}/usr/share"}
    return Chromium(root / "usr/lib/chromium/chromium", root / "usr/bin/chromedriver", environment)


def unpacked(*packages: str, with_dependencies: bool = False) -> Path:
    """Return the folder with the files of Debian packages, downloaded once into .venv and not installed.

    With their dependencies: those that are not installed here.
    """
    kept = _PACKAGES / "+".join(packages)
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "update"], cwd=folder, capture_output=True, check=False)
        wanted = [*packages, *_dependencies(packages)] if with_dependencies else packages
        download = ["apt-get", "download", *dict.fromkeys(wanted)]
        done = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.deb"))
        if len(archives) < len(packages):
            pytest.fail(f"These tests need {', '.join(packages)}: `{' '.join(download)}` failed: {done.stderr}")
        for archive in archives:
            subprocess.run(["dpkg-deb", "-x", archive, f"{folder}/tree"], check=True)
        # The last step, so that an interrupted download is not taken for a whole one.
        shutil.copytree(f"{folder}/tree", f"{kept}.new", symlinks=True, dirs_exist_ok=True)
        Path(f"{kept}.new").rename(kept)
    return kept


def oras() -> Path:
    """Return the program oras, a registry client that is not ours, in the version that these tests know."""
    return built("oras.land/oras/cmd/oras", "v1.3.6")


def act() -> Path:
    """Return the program act, which runs workflows without GitHub."""
    return built("github.com/nektos/act", "v0.2.89")


def actionlint() -> Path:
    """Return the program actionlint, which checks workflows, their expressions included."""
    return built("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12")


def shellcheck() -> Path:
    """Return the program shellcheck: from PATH, or from its package."""
    found = shutil.which("shellcheck")
    return Path(found) if found else unpacked("shellcheck") / "usr" / "bin" / "shellcheck"


def built(module: str, version: str) -> Path:
    """Return a program built from a Go module, once for a user: kept in the user's cache, which outlives .venv."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datahub"
    name = module.rpartition("/")[2]
    kept = cache / f"{name}-{version}" / name
    if kept.exists():
        return kept
    go = find_go()
    if go is None:
        pytest.fail(
            f"These tests need {name}, which is built with Go, and there is no go: install it from https://go.dev/dl."
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        environment = {**os.environ, "GOBIN": folder, "GOFLAGS": "", "CGO_ENABLED": "0"}
        install = [go, "install", f"{module}@{version}"]
        done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"These tests need {name}: `{' '.join(install)}` failed: {done.stderr}")
        # The last step, so that an interrupted build is not taken for a whole one.
        kept.parent.mkdir(exist_ok=True)
        Path(folder, name).replace(kept)
    return kept


def _dependencies(packages: Sequence[str]) -> Sequence[str]:
    """Return what would be installed with some packages."""
    simulate = ["apt-get", "install", "--simulate", "--no-install-recommends", *packages]
    done = subprocess.run(simulate, capture_output=True, text=True, check=False)
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]


def free_port() -> int:
    """Return a port of this machine that no program uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
