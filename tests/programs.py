"""Debian's programs for tests, and ports for them."""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

_PACKAGES = Path(__file__).parents[1] / ".venv" / "packages"


def docker_registry() -> Path:
    """Return the program docker-registry: from PATH, or from its package.

    Its package is not installed, because it starts a service on a port that others may need.
    """
    found = shutil.which("docker-registry")
    return Path(found) if found else unpacked("docker-registry") / "usr" / "bin" / "docker-registry"


def unpacked(*packages: str) -> Path:
    """Return the folder with the files of Debian packages, downloaded once into .venv and not installed."""
    kept = _PACKAGES / "+".join(packages)
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "update"], cwd=folder, capture_output=True, check=False)
        download = ["apt-get", "download", *packages]
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


def free_port() -> int:
    """Return a port of this machine that no program uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
