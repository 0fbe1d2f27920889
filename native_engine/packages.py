"""Debian packages that the native engine needs on the machine."""

import importlib.util
import os
import shutil
from pathlib import Path

from native_engine import recipes
from native_engine.errors import EngineError
from native_engine.settings import Settings
from native_engine.steps import Workshop

STEP = "packages"


def missing_packages() -> list[str]:
    """List the packages whose files are not there."""
    missing = [name for name, file in recipes.PACKAGES.items() if not Path(file).exists()]
    return missing + ([] if importlib.util.find_spec("ensurepip") else ["python3-venv"])


def install_packages(workshop: Workshop) -> None:
    """Install what is missing, and nothing beside it."""
    missing = missing_packages()
    if missing:
        _apt(["install", "--yes", "--no-install-recommends", *missing], workshop)
        if still := missing_packages():
            raise EngineError(f"step {STEP}: apt-get installed {', '.join(still)}, but their files are not there.")


def unpack_registry(settings: Settings, workshop: Workshop) -> None:
    """Take the registry's program out of its package."""
    with workshop.new_folder() as scratch:
        scratch.chmod(0o755)
        _apt(["download", recipes.REGISTRY_PACKAGE], workshop, cwd=scratch)
        (archive,) = scratch.glob("*.deb")
        workshop.run("registry", ["dpkg-deb", "-x", archive, scratch / "package"], env=os.environ)
        settings.registry.parent.mkdir(exist_ok=True)
        shutil.move(scratch / "package/usr/bin/docker-registry", settings.registry)


def _apt(arguments: list[str], workshop: Workshop, cwd: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    step = "registry" if "download" in arguments else STEP
    waiting = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root"]
    try:
        workshop.run(step, ["apt-get", *waiting, *arguments], cwd=cwd, env=environment)
    except EngineError:
        # Most often the lists are old or absent; updating them takes longer than all else here, so it comes second.
        workshop.run(step, ["apt-get", *waiting, "--quiet", "update"], env=environment)
        workshop.run(step, ["apt-get", *waiting, *arguments], cwd=cwd, env=environment)
