"""Builds the engine and its command from Go modules, without a Git checkout of Dagger."""

import os
import re
import shutil
from pathlib import Path

from native_engine import recipes, versions
from native_engine.errors import EngineError
from native_engine.inputs import GO_SOURCES
from native_engine.settings import Settings
from native_engine.steps import Workshop, replace_folder

STEP = "binaries"
USUAL_GO = "/usr/local/go/bin"  # sudo and cron leave it out of PATH


def find_go() -> str | None:
    """Find the go command on PATH or where Go's own installation puts it."""
    return shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", os.defpath), USUAL_GO]))


def go_version(text: str) -> tuple[int, ...]:
    """Read "go1.26.8", as `go env GOVERSION` prints it, into comparable numbers; empty for anything else."""
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def build_binaries(settings: Settings, workshop: Workshop) -> None:
    """Build the programs beside each other and put all of them into place at once."""
    go = find_go()
    if go is None:
        raise EngineError(f"step {STEP}: there is no go command.")
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    with workshop.new_folder() as scratch:
        work, made, bin_folder = scratch / "go", scratch / "made", scratch / "bin"
        shutil.copytree(GO_SOURCES, work)
        environment["GOTMPDIR"] = str(scratch)
        try:
            workshop.run(STEP, [go, "mod", "vendor"], cwd=work, env=environment)
        except EngineError as error:
            raise EngineError(
                f"Dagger's Go modules could not be fetched (is {_proxy()} reachable?). {error}"
            ) from error
        for file, text, instead in recipes.PATCHES:
            patch_source(work / "vendor" / file, text, instead)
        commands = [f"github.com/dagger/dagger/cmd/{name}" for name in recipes.PROGRAMS]
        made.mkdir()
        flags = ["-mod=vendor", "-overlay=overlay.json", *recipes.BUILD_FLAGS]
        workshop.run(STEP, [go, "build", *flags, "-o", f"{made}/", *commands], cwd=work, env=environment)
        bin_folder.mkdir()
        for built, name in recipes.PROGRAMS.items():
            (made / built).rename(bin_folder / name)
        (bin_folder / "dnsmasq").write_text(recipes.DNSMASQ, encoding="utf-8")
        (bin_folder / "dnsmasq").chmod(0o755)
        replace_folder(bin_folder, settings.binaries)


def patch_source(file: Path, text: str, instead: str) -> None:
    """Change the one place of FILE where TEXT stands."""
    source = file.read_text(encoding="utf-8")
    if source.count(text) != 1:
        raise EngineError(
            f"step {STEP}: {file.name} is not as the kit's change to it expects; the kit must be adapted."
        )
    file.write_text(source.replace(text, instead), encoding="utf-8")


def needed_go() -> str:
    """Name the oldest Go that will do."""
    return ".".join(map(str, versions.GO))


def _proxy() -> str:
    return os.environ.get("GOPROXY") or "proxy.golang.org"
