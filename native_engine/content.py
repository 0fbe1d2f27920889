"""Packs the image of the Python SDK (`"sdk": {"source": "python"}`): Debian with Python, the SDK and our runtime."""

import os
import shutil
import sys
from pathlib import Path

from native_engine import recipes, versions
from native_engine.images import store_image
from native_engine.inputs import SDK_SOURCES
from native_engine.rootfs import make_rootfs
from native_engine.settings import Settings
from native_engine.steps import BuildDir, replace_folder

BASE_STEP = "module-base"
SDK_STEP = "python-sdk"
DIGEST_FILE = "digest"  # beside the blobs; holds the digest of the manifest


def make_module_base(settings: Settings, build_dir: BuildDir) -> None:
    """Build the root file system of modules, packed as a tar file with everything below base/."""
    with build_dir.new_folder() as scratch:
        base, packed = scratch / "base", scratch / "base.tar"
        make_rootfs(BASE_STEP, recipes.MODULE_PACKAGES, base, build_dir)
        _add_uv(base, scratch, build_dir)
        _add_sdk(base, build_dir)
        build_dir.run(BASE_STEP, [*recipes.TAR, "-cf", packed, "-C", scratch, base.name], env=os.environ)
        packed.replace(settings.module_base)


def pack_content(settings: Settings, build_dir: BuildDir) -> None:
    """Build the content store with the SDK's only image, which contains base/ and runtime/."""
    with build_dir.new_folder() as scratch:
        runtime, packed, store = scratch / "runtime", scratch / "runtime.tar", scratch / "content"
        shutil.copytree(SDK_SOURCES / runtime.name, runtime, ignore=shutil.ignore_patterns("__pycache__"))
        build_dir.run(SDK_STEP, [*recipes.TAR, "-cf", packed, "-C", scratch, runtime.name], env=os.environ)
        digest = store_image([settings.module_base, packed], store)
        (store / DIGEST_FILE).write_text(digest, encoding="utf-8")
        replace_folder(store, settings.content)


def _add_uv(base: Path, scratch: Path, build_dir: BuildDir) -> None:
    """Install uv from its PyPI wheel, with the pip of a virtual environment, since Debian's Python may lack pip."""
    tools = scratch / "tools"
    build_dir.run(BASE_STEP, [sys.executable, "-I", "-m", "venv", tools], env=os.environ)
    pip: list[str | Path] = [
        tools / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    build_dir.run(BASE_STEP, [*pip, f"uv=={versions.UV}"], env=os.environ)
    shutil.copy2(tools / "bin" / "uv", base / "usr/local/bin/uv")


def _add_sdk(base: Path, build_dir: BuildDir) -> None:
    """Install the SDK, compiled to bytecode, so that a module installs only its other dependencies."""
    resolver = base / "etc/resolv.conf"
    proxies = {name: value for name, value in os.environ.items() if name.upper() in recipes.PROXY_VARIABLES}
    shutil.copyfile("/etc/resolv.conf", resolver)
    environment = {
        **proxies,
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "UV_SYSTEM_CERTS": "1",
        "UV_COMPILE_BYTECODE": "1",
        "UV_LINK_MODE": "copy",
        "UV_NO_CACHE": "1",
    }
    enter: list[str | Path] = ["chroot", base, "uv"]
    build_dir.run(BASE_STEP, [*enter, "venv", "--quiet", "/opt/venv"], env=environment)
    install = ["pip", "install", "--quiet", "--python", "/opt/venv/bin/python"]
    build_dir.run(BASE_STEP, [*enter, *install, *recipes.MODULE_REQUIREMENTS], env=environment)
    resolver.unlink()
