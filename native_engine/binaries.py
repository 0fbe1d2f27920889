"""Builds the engine and the `dagger` command from Go modules, without a Git checkout of Dagger."""

import os
import re
import shutil
from pathlib import Path

from native_engine import recipes, versions
from native_engine.errors import EngineError
from native_engine.inputs import GO_SOURCES
from native_engine.settings import Settings
from native_engine.steps import BuildDir, replace_folder

STEP = "binaries"
DEFAULT_GO = "/usr/local/go/bin"  # where go.dev's archive installs it; sudo and cron leave it out of PATH


def find_go() -> str | None:
    """Find the go command on PATH or in the default folder of Go's installation."""
    return shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", os.defpath), DEFAULT_GO]))


def go_version(text: str) -> tuple[int, ...]:
    """Parse "go1.26.8", as `go env GOVERSION` prints it, into comparable numbers; empty for anything else."""
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def build_binaries(settings: Settings, build_dir: BuildDir) -> None:
    """Build all programs in one run of Go and replace the installed ones together."""
    go = find_go()
    if go is None:
        raise EngineError(f"step {STEP}: go command not found.")
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    with build_dir.new_folder() as scratch:
        work, built, bin_folder = scratch / "go", scratch / "built", scratch / "bin"
        shutil.copytree(GO_SOURCES, work)
        environment["GOTMPDIR"] = str(scratch)
        try:
            build_dir.run(STEP, [go, "mod", "vendor"], cwd=work, env=environment)
        except EngineError as error:
            raise EngineError(f"Cannot download Dagger's Go modules (is {_proxy()} reachable?). {error}") from error
        for file, text, replacement in recipes.PATCHES:
            patch_source(work / "vendor" / file, text, replacement)
        commands = [f"github.com/dagger/dagger/cmd/{name}" for name in recipes.PROGRAMS]
        built.mkdir()
        flags = ["-mod=vendor", "-overlay=overlay.json", *recipes.BUILD_FLAGS]
        build_dir.run(STEP, [go, "build", *flags, "-o", f"{built}/", *commands], cwd=work, env=environment)
        bin_folder.mkdir()
        for program, name in recipes.PROGRAMS.items():
            (built / program).rename(bin_folder / name)
        (bin_folder / "dnsmasq").write_text(recipes.DNSMASQ, encoding="utf-8")
        (bin_folder / "dnsmasq").chmod(0o755)
        replace_folder(bin_folder, settings.binaries)


def patch_source(file: Path, text: str, replacement: str) -> None:
    """Replace the only occurrence of TEXT in FILE; an EngineError if there is not exactly one."""
    source = file.read_text(encoding="utf-8")
    if source.count(text) != 1:
        raise EngineError(
            f"step {STEP}: the patch of {file.name} does not apply: adapt it in native_engine/recipes.py."
        )
    file.write_text(source.replace(text, replacement), encoding="utf-8")


def needed_go() -> str:
    """Return the oldest supported version of Go."""
    return ".".join(map(str, versions.GO))


def _proxy() -> str:
    return os.environ.get("GOPROXY") or "proxy.golang.org"
