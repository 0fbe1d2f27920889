"""Debian programs that tests run and that most machines do not have."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KEPT = Path(__file__).parents[1] / ".venv" / "programs"


def docker_registry() -> Path:
    """Return Debian's docker-registry: from PATH, or unpacked from its package into .venv.

    It is not installed, because its package starts a service on a port that others may need.
    """
    found = shutil.which("docker-registry")
    if found:
        return Path(found)
    cached = KEPT / "docker-registry"
    if not cached.exists():
        _unpack("docker-registry", Path("usr/bin/docker-registry"), cached)
    return cached


def _unpack(package: str, member: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "update"], cwd=folder, capture_output=True, check=False)
        download = ["apt-get", "download", package]
        done = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.deb"))
        if not archives:
            pytest.fail(f"These tests need {package}, but `apt-get download {package}` failed: {done.stderr}")
        subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(folder) / member, target)
