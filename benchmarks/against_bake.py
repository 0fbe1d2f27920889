"""Measures the stack here side by side with `docker buildx bake` and BuildKit's daemon, on this machine.

usage: PYTHONPATH=. python benchmarks/against_bake.py [--programs FOLDER] [--only publish]

Builds buildx and buildkitd from their Go modules into FOLDER the first time: five minutes. Needs root, the native
engine, which lends its copy of the base image, and 30 GB of free disk. Takes a quarter of an hour; run it on an idle
machine.

Both start with an empty cache, and publish with zstd to the same kind of registry: Debian's docker-registry with TLS
and a password, behind a proxy that speaks plain HTTP. `cold build` builds all images and keeps nothing outside of the
cache. `cold publish` builds and uploads them; here it also runs all suites and reads what is in the images, which bake
has no part for. Then nothing is changed, then one image on which no other depends. The daemon has the machine's
network, and this project's engine a network of its own. The engine reaches the registry through its client.
"""  # noqa: INP001 (a script, not a package)

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from tabulate import tabulate

from ci.stack.model import Stack
from ci.stack.reader import read_stack
from native_engine.binaries import find_go
from native_engine.client import RUNNER_HOST, client_environment
from native_engine.native import bring_up
from native_engine.settings import read_settings
from tests.e2e.second_engine import second_engine
from tests.folder_tree import FolderTree
from tests.integration.adapters.oci.bridge import bridge_to
from tests.integration.adapters.oci.debian import PASSWORD, USER, debian_registry

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = {
    "github.com/docker/buildx": ("v0.33.0", "cmd/buildx"),
    "github.com/moby/buildkit": ("v0.29.0", "cmd/buildkitd"),
}
LEAF = "images/r-notebook/Dockerfile"
ZSTD = "type=registry,compression=zstd,force-compression=true,oci-mediatypes=true"


class Registry(NamedTuple):
    """A registry: as images are named there, and the port of the proxy in front of it."""

    name: str
    port: int


class Measured(NamedTuple):
    """Seconds of both for one case."""

    case: str
    ours: float
    bake: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=Path.home() / ".cache/datahub/bake", metavar="FOLDER")
    parser.add_argument("--only", choices=("build", "publish"))
    options = parser.parse_args()
    os.environ.update(client_environment(bring_up))
    build_programs(options.programs)
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder, registry(Path(folder) / "registry") as target:
        source = copy_of_the_stack(Path(folder) / "source")
        if options.only != "publish":
            measured += compare_builds(source, options.programs, target)
        if options.only != "build":
            measured += compare_publications(source, options.programs, target)
    rows = [(one.case, one.ours, one.bake, f"{one.ours / one.bake:.2f}") for one in measured]
    print(tabulate(rows, ["case", "ours (s)", "bake (s)", "ratio"], floatfmt=".0f"))


def compare_builds(source: Path, programs: Path, target: Registry) -> list[Measured]:
    """Build with an empty cache."""
    with our_engine(source):
        ours = call(source, "build-stack", "--test=false")
    with Daemon(programs, target) as daemon:
        bake = daemon.bake(source, target, "type=cacheonly")
    return [Measured("cold build", ours, bake)]


def compare_publications(source: Path, programs: Path, target: Registry) -> list[Measured]:
    """Publish with an empty cache, without a change, and with one image changed: first ours, then bake."""
    cases = ("cold publish", "nothing changed", "one leaf changed")
    login = ("--registry-username", USER, "--registry-password", "env:REGISTRY_PASSWORD")
    where = ("--registry", f"{target.name}/ours", "--registry-service", f"tcp://localhost:{target.port}", *login)
    seconds: list[list[float]] = []
    for is_ours in (True, False):
        seconds.append([])
        with ExitStack() as stack:
            daemon = None if is_ours else stack.enter_context(Daemon(programs, target))
            if is_ours:
                stack.enter_context(our_engine(source))
            for case in cases:
                if case == cases[-1]:
                    change_leaf(source, f"CHANGED={is_ours}")
                if daemon is None:
                    report = Path(tempfile.mkdtemp(dir=source.parent))
                    seconds[-1].append(call(source, "build-report", "--publish", *where, "-o", str(report)))
                    print((report / "summary.txt").read_text(), flush=True)
                else:
                    seconds[-1].append(daemon.bake(source, target, ZSTD))
    return [Measured(*one) for one in zip(cases, *seconds, strict=True)]


def copy_of_the_stack(target: Path) -> Path:
    """Return a clone of this repository whose layers are compressed with zstd."""
    run(["git", "clone", "--quiet", str(ROOT), str(target)])
    settings = target / "images/stack.toml"
    settings.write_text(settings.read_text().replace("[stack]\n", '[stack]\ncompression = "zstd"\n', 1))
    commit(target)
    return target


def change_leaf(source: Path, variable: str) -> None:
    """Let an image on which no other depends have one more variable, which rebuilds all of it."""
    file = source / LEAF
    file.write_text(file.read_text().replace("USER root\n", f"ENV {variable}\nUSER root\n", 1))
    commit(source)


def commit(source: Path) -> None:
    """Commit all changes."""
    run(["git", "-C", str(source), "-c", "user.name=b", "-c", "user.email=b@b", "commit", "--quiet", "-am", "Change"])


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Run a registry with TLS and a password, and a proxy in front of it that engines may reach without its CA."""
    folder.mkdir()
    with debian_registry(folder) as debian, bridge_to(debian.host, debian.ca) as bridge:
        yield Registry(f"localhost:{bridge.port}", bridge.port)


@contextmanager
def our_engine(source: Path) -> Iterator[None]:
    """Use a new engine with an empty cache, in which nothing but this module is loaded."""
    with second_engine() as engine:
        before = os.environ[RUNNER_HOST]
        os.environ |= {RUNNER_HOST: engine.address, "REGISTRY_PASSWORD": PASSWORD}
        call(source, "plan")
        yield
        os.environ[RUNNER_HOST] = before


def call(source: Path, *words: str) -> float:
    """Call a function of the module on the stack; return the seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "daggerw", "call", *words], cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{words[0]} failed:\n{done.stderr[-3000:]}")
    print(f"ours: {words[0]} {time.monotonic() - begun:.0f} s", flush=True)
    return time.monotonic() - begun


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
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self._target.name: {"auth": login}}}))
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
        self._buildx("bake", "--file", str(file), "--progress", "plain", "--allow", f"fs.read={source}", "all")
        print(f"bake: {time.monotonic() - begun:.0f} s", flush=True)
        return time.monotonic() - begun

    def _buildx(self, *words: str) -> None:
        run([str(self._programs / "buildx"), *words], self._environment)


def bake_file(stack: Stack, source: Path, repository: str, output: str) -> Mapping[str, object]:
    """Return the stack as a file for bake: an image that is built on another one names that one's target."""
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
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
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


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a program; its output is shown if it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


if __name__ == "__main__":
    main()
