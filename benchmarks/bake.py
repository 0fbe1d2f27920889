"""Runs `docker buildx bake` with BuildKit's daemon, for against_bake.py."""  # noqa: INP001 (a script's, not a package's)

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from ci.stack.model import Stack
from ci.stack.reader import read_stack
from native_engine.binaries import find_go
from native_engine.settings import read_settings
from tests.folder_tree import FolderTree
from tests.integration.adapters.oci.debian import PASSWORD, USER

PROGRAMS = {
    "github.com/docker/buildx": ("v0.33.0", "cmd/buildx"),
    "github.com/moby/buildkit": ("v0.29.0", "cmd/buildkitd"),
}
VERSIONS = "bake-" + "-".join(version for version, _ in PROGRAMS.values())
"""In the name of the folder of the programs, which do not say their versions."""
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Registry(NamedTuple):
    """A registry: as images are named there, and the port of the proxy in front of it."""

    name: str
    port: int


class Daemon:
    """BuildKit's daemon with an empty cache, and buildx, for as long as the context is open."""

    def __init__(self, programs: Path, target: Registry) -> None:
        self._programs = programs
        self._target = target
        self._opened = ExitStack()
        self._environment: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        # Beside the native engine: a file system that overlays can be on.
        beside = read_settings(os.environ).prefix
        folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="buildkit-", dir=beside.parent)))
        address = f"unix://{folder}/socket"
        mirror = read_settings(os.environ).mirror
        (folder / "buildkitd.toml").write_text(
            f'root = "{folder}/root"\n[grpc]\naddress = ["{address}"]\n'
            f'[worker.oci]\nnetworkMode = "host"\nbinary = "runc"\n[worker.containerd]\nenabled = false\n'
            f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n[registry."{mirror}"]\nhttp = true\n'
            f'[registry."{self._target.name}"]\nhttp = true\n'
        )
        (folder / "config.json").write_text(json.dumps({"auths": {self._target.name: {"auth": LOGIN}}}))
        path = f"{beside}/bin:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "DOCKER_CONFIG": str(folder)}
        log = self._opened.enter_context((self._programs / "buildkitd.log").open("w"))
        daemon = subprocess.Popen(
            [self._programs / "buildkitd", "--config", folder / "buildkitd.toml"],
            env=self._environment,
            stdout=log,
            stderr=log,
        )
        self._opened.callback(daemon.wait)
        self._opened.callback(daemon.terminate)
        while not (folder / "socket").exists():
            if daemon.poll() is not None:
                sys.exit(f"buildkitd ended: see {self._programs}/buildkitd.log")
            time.sleep(0.1)
        self._buildx("create", "--driver", "remote", "--name", "beside", "--use", address)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def bake(self, source: Path, target: Registry, output: str) -> float:
        """Build all images of the stack; return the seconds."""
        file = source.parent / "docker-bake.json"
        stack = read_stack(FolderTree(source))
        file.write_text(json.dumps(bake_file(stack, source, f"{target.name}/bake", output), indent=1))
        begun = time.monotonic()
        self._buildx(
            "bake",
            "--file",
            str(file),
            "--provenance=false",
            "--progress",
            "plain",
            "--allow",
            f"fs.read={source}",
            "all",
        )
        seconds = time.monotonic() - begun
        print(f"bake: {seconds:.1f} s", flush=True)
        return seconds

    def _buildx(self, *words: str) -> None:
        run([str(self._programs / "buildx"), *words], self._environment)


def bake_file(stack: Stack, source: Path, repository: str, output: str) -> Mapping[str, object]:
    """Return the stack as a file for bake: an image that is built on another one names that one's target.

    No image of the stack here copies from another one, or has other build arguments.
    """
    targets = {}
    for image in stack.images:
        targets[image.name] = {
            "context": str(source / image.folder),
            "contexts": {"parent": f"target:{image.parent}"} if image.parent else {},
            "args": {"BASE": "parent"} if image.parent else {},
            "tags": [f"{repository}/{image.name}:latest"],
            "output": [output],
        }
    return {"group": {"all": {"targets": [*targets]}}, "target": targets}


def build_programs(folder: Path) -> None:
    """Build buildx and buildkitd, unless they are there."""
    names = {path.rpartition("/")[2] for _, path in PROGRAMS.values()}
    if all((folder / name).exists() for name in names):
        return
    go = find_go()
    if go is None:
        sys.exit("buildx and buildkitd are built with Go, and there is no go: install it from https://go.dev/dl.")
    print(f"building buildx and buildkitd in {folder}: five minutes", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    packages = [f"{module}/{path}" for module, (_, path) in PROGRAMS.items()]
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        run([go, "-C", place, "mod", "init", "bake"], environment)
        run(
            [
                go,
                "-C",
                place,
                "get",
                *(f"{package}@{PROGRAMS[module][0]}" for module, package in zip(PROGRAMS, packages, strict=True)),
            ],
            environment,
        )
        run([go, "-C", place, "build", "-o", f"{folder}/", *packages], environment)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it prints, which is shown if it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
