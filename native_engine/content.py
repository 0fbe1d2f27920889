"""Packs what answers for `"sdk": {"source": "python"}`: a Debian with Python and the SDK, and the kit's runtime."""

import os
import shutil
import sys
from pathlib import Path

from native_engine import recipes, versions
from native_engine.images import store_image
from native_engine.inputs import SDK_SOURCES
from native_engine.rootfs import make_rootfs
from native_engine.settings import Settings
from native_engine.steps import Workshop, replace_folder

BASE_STEP = "module-base"
SDK_STEP = "python-sdk"
DIGEST = "digest"  # file beside the blobs that names the manifest


def make_module_base(settings: Settings, workshop: Workshop) -> None:
    """Make the root file system that modules run on, as a tar file with all of it below base/."""
    with workshop.new_folder() as scratch:
        base, packed = scratch / "base", scratch / "base.tar"
        make_rootfs(BASE_STEP, recipes.MODULE_PACKAGES, base, workshop)
        _add_uv(base, scratch, workshop)
        _add_sdk(base, workshop)
        workshop.run(BASE_STEP, [*recipes.TAR, "-cf", packed, "-C", scratch, base.name], env=os.environ)
        packed.replace(settings.module_base)


def pack_content(settings: Settings, workshop: Workshop) -> None:
    """Make the content store with the SDK's one image, which holds base/ and runtime/."""
    with workshop.new_folder() as scratch:
        runtime, packed, store = scratch / "runtime", scratch / "runtime.tar", scratch / "content"
        shutil.copytree(SDK_SOURCES / runtime.name, runtime, ignore=shutil.ignore_patterns("__pycache__"))
        workshop.run(SDK_STEP, [*recipes.TAR, "-cf", packed, "-C", scratch, runtime.name], env=os.environ)
        digest = store_image([settings.module_base, packed], store)
        (store / DIGEST).write_text(digest, encoding="utf-8")
        replace_folder(store, settings.content)


def _add_uv(base: Path, scratch: Path, workshop: Workshop) -> None:
    """Install uv from its PyPI wheel; pip comes from a virtual environment, since Debian's Python may have none."""
    tools = scratch / "tools"
    workshop.run(BASE_STEP, [sys.executable, "-I", "-m", "venv", tools], env=os.environ)
    pip: list[str | Path] = [
        tools / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    workshop.run(BASE_STEP, [*pip, f"uv=={versions.UV}"], env=os.environ)
    shutil.copy2(tools / "bin" / "uv", base / "usr/local/bin/uv")


def _add_sdk(base: Path, workshop: Workshop) -> None:
    """Install the SDK with its bytecode, so that a module adds only what it needs beyond."""
    resolver, proxies = (
        base / "etc/resolv.conf",
        {k: v for k, v in os.environ.items() if k.upper() in recipes.PASSED_ON},
    )
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
    workshop.run(BASE_STEP, [*enter, "venv", "--quiet", "/opt/venv"], env=environment)
    install = ["pip", "install", "--quiet", "--python", "/opt/venv/bin/python"]
    workshop.run(BASE_STEP, [*enter, *install, *recipes.MODULE_REQUIREMENTS], env=environment)
    resolver.unlink()
