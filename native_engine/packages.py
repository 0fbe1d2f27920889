"""Installs the Debian packages that the native engine needs."""

import importlib.util
import os
import shutil
from pathlib import Path

from native_engine import recipes
from native_engine.errors import EngineError
from native_engine.settings import Settings
from native_engine.steps import BuildDir

STEP = "packages"
REGISTRY_STEP = "registry"


def missing_packages() -> list[str]:
    """Return the packages whose files are missing."""
    missing = [name for name, file in recipes.PACKAGES.items() if not Path(file).exists()]
    return missing + ([] if importlib.util.find_spec("ensurepip") else ["python3-venv"])


def install_packages(build_dir: BuildDir) -> None:
    """Install the missing packages without recommended ones."""
    missing = missing_packages()
    if missing:
        _apt(["install", "--yes", "--no-install-recommends", *missing], build_dir)
        if still_missing := missing_packages():
            raise EngineError(
                f"step {STEP}: apt-get installed {', '.join(still_missing)}, but their files are missing."
            )


def unpack_registry(settings: Settings, build_dir: BuildDir) -> None:
    """Extract the registry's program from its package."""
    with build_dir.new_folder() as scratch:
        scratch.chmod(0o755)
        _apt(["download", recipes.REGISTRY_PACKAGE], build_dir, cwd=scratch)
        (archive,) = scratch.glob("*.deb")
        build_dir.run(REGISTRY_STEP, ["dpkg-deb", "-x", archive, scratch / "package"], env=os.environ)
        settings.registry.parent.mkdir(exist_ok=True)
        shutil.move(scratch / "package/usr/bin/docker-registry", settings.registry)


def _apt(arguments: list[str], build_dir: BuildDir, cwd: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    step = REGISTRY_STEP if "download" in arguments else STEP
    options = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root"]
    try:
        build_dir.run(step, ["apt-get", *options, *arguments], cwd=cwd, env=environment)
    except EngineError:
        # Most often the package lists are old or missing. Updating them takes longest, so it is done only if needed.
        build_dir.run(step, ["apt-get", *options, "--quiet", "update"], env=environment)
        build_dir.run(step, ["apt-get", *options, *arguments], cwd=cwd, env=environment)
