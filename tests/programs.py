"""Programs of Debian's that tests run and no machine can be expected to have."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KEPT = Path(__file__).parents[1] / ".venv" / "programs"


def docker_registry() -> Path:
    """Return Debian's docker-registry: from PATH, or taken out of its package into .venv.

    It is not installed, because its package starts a service on a port that others want.
    """
    found = shutil.which("docker-registry")
    if found:
        return Path(found)
    kept = KEPT / "docker-registry"
    if not kept.exists():
        _unpack("docker-registry", Path("usr/bin/docker-registry"), kept)
    return kept


def _unpack(package: str, member: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "update"], cwd=folder, capture_output=True, check=False)
        download = ["apt-get", "download", package]
        done = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.deb"))
        if not archives:
            pytest.fail(f"These tests need {package}, and `apt-get download {package}` brought none: {done.stderr}")
        subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(folder) / member, target)
