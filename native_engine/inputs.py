"""Digests of the inputs of each step: a step runs again when its digest differs from the one in its stamp."""

import hashlib
import json
from pathlib import Path

from native_engine import recipes, versions
from native_engine.settings import Settings

HERE = Path(__file__).resolve().parent
GO_SOURCES = HERE / "go"
SDK_SOURCES = HERE / "sdk"
SERVE = HERE / "serve.sh"
LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")


def digest_of(*parts: object) -> str:
    """Hash texts, files and folders; of files, names and contents count, times and modes do not."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for path in sorted(part.rglob("*") if part.is_dir() else [part]):
                if path.is_file() and "__pycache__" not in path.parts:
                    content = path.read_bytes()
                    digest.update(f"{path.relative_to(part)}\0{len(content)}\0".encode() + content)
        else:
            digest.update(f"{part!r}\0".encode())
    return digest.hexdigest()


def binaries_inputs() -> str:
    """Return the digest of everything the engine's programs are built from."""
    return digest_of(
        GO_SOURCES, versions.ENGINE, recipes.PROGRAMS, recipes.BUILD_FLAGS, recipes.PATCHES, recipes.DNSMASQ
    )


def registry_inputs() -> str:
    """Return the digest of the source of the mirror's program."""
    return digest_of(recipes.REGISTRY_PACKAGE)


def module_base_inputs() -> str:
    """Return the digest of everything the root file system of modules is built from."""
    return digest_of(_rootfs_inputs(), recipes.MODULE_PACKAGES, recipes.MODULE_REQUIREMENTS, versions.UV)


def content_inputs() -> str:
    """Return the digest of everything the Python SDK's image is packed from."""
    return digest_of(SDK_SOURCES, module_base_inputs())


def base_image_inputs() -> str:
    """Return the digest of everything the mirror's base image is built from."""
    return digest_of(_rootfs_inputs(), recipes.BASE_PACKAGES, versions.BASE_IMAGE)


def fingerprint_of_run(settings: Settings) -> str:
    """Return the digest of everything that an engine is built and started with."""
    built = (binaries_inputs(), registry_inputs(), content_inputs(), base_image_inputs())
    started = (SERVE, engine_config(settings), *engine_arguments(settings), recipes.ENGINE_ENVIRONMENT)
    return digest_of(*built, *started)


def engine_config(settings: Settings) -> str:
    """Return the text of the engine's configuration file."""
    registries = {"docker.io": {"mirrors": [settings.mirror]}, settings.mirror: {"http": True}}
    return json.dumps({"logLevel": "warn", "registries": registries, "gc": recipes.GC_POLICY}, indent=2)


def engine_arguments(settings: Settings) -> list[str]:
    """Return the engine's command-line flags for SETTINGS."""
    flags = {"network-name": settings.network, "network-cidr": settings.cidr, "oci-cni-pool-size": settings.pool}
    return [f"--{name}={value}" for name, value in flags.items()]


def _rootfs_inputs() -> str:
    return digest_of(LOCAL_CERTIFICATES, recipes.ROOTFS_OPTIONS, versions.BASE_SUITE)
