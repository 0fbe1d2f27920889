"""Packs what answers for `"sdk": {"source": "python"}`: a Debian with Python and the SDK, and the kit's runtime."""

import os
import shutil
import sys
from pathlib import Path

from engine import recipes, versions
from engine.images import store_image
from engine.inputs import SDK_SOURCES
from engine.rootfs import make_rootfs
from engine.settings import Settings
from engine.steps import Workshop, replace_folder

STEP = "python-sdk"
DIGEST = "digest"  # file beside the blobs that names the manifest


def pack_content(settings: Settings, workshop: Workshop) -> None:
    """Make the content store with the SDK's one image, which holds base/ (the root file system) and runtime/."""
    with workshop.new_folder() as scratch:
        image = scratch / "image"
        image.mkdir()
        make_rootfs(STEP, recipes.MODULE_PACKAGES, image / "base", workshop)
        _add_uv(image / "base", scratch, workshop)
        _add_sdk(image / "base", workshop)
        shutil.copytree(SDK_SOURCES / "runtime", image / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
        layer = scratch / "layer.tar"
        workshop.run(STEP, [*recipes.TAR, "-cf", layer, "-C", image, "base", "runtime"], env=os.environ)
        store = scratch / "content"
        digest = store_image(layer, store)
        (store / DIGEST).write_text(digest, encoding="utf-8")
        replace_folder(store, settings.content)


def _add_uv(base: Path, scratch: Path, workshop: Workshop) -> None:
    """Install uv from its PyPI wheel; pip comes from a virtual environment, since Debian's Python may have none."""
    tools = scratch / "tools"
    workshop.run(STEP, [sys.executable, "-I", "-m", "venv", tools], env=os.environ)
    pip: list[str | Path] = [
        tools / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    workshop.run(STEP, [*pip, f"uv=={versions.UV}"], env=os.environ)
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
    workshop.run(STEP, [*enter, "venv", "--quiet", "/opt/venv"], env=environment)
    install = ["pip", "install", "--quiet", "--python", "/opt/venv/bin/python"]
    workshop.run(STEP, [*enter, *install, *recipes.MODULE_REQUIREMENTS], env=environment)
    resolver.unlink()
