"""Measures the stack here side by side with `docker buildx bake` and BuildKit's daemon, on this machine.

usage: PYTHONPATH=. python benchmarks/against_bake.py [--programs FOLDER] [--only publish]

Builds buildx and buildkitd from their Go modules into FOLDER the first time: five minutes. Needs root, the native
engine, which lends its copy of the base image, and 30 GB of free disk. Takes a quarter of an hour; run it on an idle
machine.

Both start with an empty cache, and publish with zstd to the same registry: Debian's docker-registry with TLS and a
password, behind a proxy that speaks plain HTTP. `cold build` builds all images and keeps nothing outside of the cache.
`cold publish` builds and uploads them, here from a copy of the stack that has no suites, and reads what is in them;
`with suites` runs these, too. Bake has no part for either. From then on ours has its suites: when nothing is changed,
and when one image is on which no other depends. The daemon has the machine's network, and this project's engine a
network of its own; it reaches the registry through its client. Not counted: the start of engine and daemon, and loading
this module into the engine.

The layers of both are compared at the end: as many of each image, and about as large.
"""  # noqa: INP001 (a script, not a package)

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from benchmarks.bake import LOGIN, VERSIONS, Daemon, Registry, build_programs, run
from ci.stack.reader import read_stack
from native_engine.client import RUNNER_HOST, client_environment
from native_engine.native import bring_up
from native_engine.settings import read_settings
from tests.e2e.second_engine import second_engine
from tests.folder_tree import FolderTree
from tests.integration.adapters.oci.bridge import bridge_to
from tests.integration.adapters.oci.debian import PASSWORD, USER, debian_registry

ROOT = Path(__file__).resolve().parents[1]
ENOUGH_DISK = 30_000_000_000
LEAF = "images/r-notebook/Dockerfile"
ZSTD = "type=registry,compression=zstd,force-compression=true,oci-mediatypes=true"


class Measured(NamedTuple):
    """Seconds of both for one case."""

    case: str
    ours: float
    bake: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=Path.home() / f".cache/datahub/{VERSIONS}", metavar="FOLDER")
    parser.add_argument("--only", choices=("build", "publish"))
    options = parser.parse_args()
    os.environ.update(client_environment(bring_up))
    build_programs(options.programs)
    if (free := shutil.disk_usage(read_settings(os.environ).prefix).free) < ENOUGH_DISK:
        sys.exit(f"{free / 1e9:.0f} GB are free beside the native engine, and {ENOUGH_DISK / 1e9:.0f} are needed.")
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder, registry(Path(folder) / "registry") as target:
        source = copy_of_the_stack(Path(folder) / "source")
        if options.only != "publish":
            measured += compare_builds(source, options.programs, target)
        if options.only != "build":
            measured += compare_publications(source, options.programs, target)
    rows = [(one.case, f"{one.ours:.1f}", f"{one.bake:.1f}", f"{one.ours / one.bake:.2f}") for one in measured]
    print(tabulate(rows, ["case", "ours (s)", "bake (s)", "ratio"], disable_numparse=True))


def compare_builds(source: Path, programs: Path, target: Registry) -> list[Measured]:
    """Build with an empty cache."""
    with our_engine(source):
        ours = call(source, "build-stack", "--test=false")
    with Daemon(programs, target) as daemon:
        bake = daemon.bake(source, target, "type=cacheonly")
    return [Measured("cold build", ours, bake)]


def compare_publications(source: Path, programs: Path, target: Registry) -> list[Measured]:
    """Publish with an empty cache, without a change, and with one image changed."""
    with_suites = ("cold publish, with suites", "nothing changed", "one leaf changed")
    bare = copy_of_the_stack(source.parent / "bare")
    remove_suites(bare)
    with our_engine(bare):
        ours = [publish(bare, target, "bare")]
    with our_engine(source):
        for case in with_suites:
            if case == with_suites[-1]:
                change_leaf(source)
            ours.append(publish(source, target, "ours"))
    with Daemon(programs, target) as daemon:
        bake = [daemon.bake(tree, target, ZSTD) for tree in (bare, bare, source)]
    compare_layers(source, target)
    bake.insert(1, bake[0])
    return [Measured(*one) for one in zip(("cold publish", *with_suites), ours, bake, strict=True)]


def publish(source: Path, target: Registry, name: str) -> float:
    """Publish with our engine; return the seconds."""
    login = ("--registry-username", USER, "--registry-password", "env:REGISTRY_PASSWORD")
    where = ("--registry", f"{target.name}/{name}", "--registry-service", f"tcp://localhost:{target.port}", *login)
    return call(source, "build-stack", "--publish", *where)


def compare_layers(source: Path, target: Registry) -> None:
    """Print how many layers the images of both have, and their compressed bytes."""
    head = run(["git", "-C", str(source), "rev-parse", "--short=7", "HEAD"]).strip()
    rows: list[list[object]] = []
    for image in read_stack(FolderTree(source)).images:
        rows.append([image.name])
        for name in ("ours", "bake"):
            repository = f"http://{target.name}/v2/{name}/{image.name}"
            tag = "latest" if name == "bake" else f"2026.4-{head}"
            layers = read_json(f"{repository}/manifests/{tag}")["layers"]
            rows[-1] += [len(layers), f"{sum(layer['size'] for layer in layers) / 1e6:.0f}"]
    print(tabulate(rows, ["image", "layers, ours", "MB", "layers, bake", "MB"]))


def read_json(url: str) -> Any:  # noqa: ANN401 (what a registry answers)
    """Return what the registry answers."""
    accept = "application/vnd.oci.image.manifest.v1+json, application/json"
    command = [
        "curl",
        "--fail",
        "--silent",
        "--header",
        f"Accept: {accept}",
        "--header",
        f"Authorization: Basic {LOGIN}",
    ]
    return json.loads(run([*command, url]))


def copy_of_the_stack(target: Path) -> Path:
    """Return a clone of what is committed here, whose layers are compressed with zstd."""
    run(["git", "clone", "--quiet", str(ROOT), str(target)])
    settings = target / "images/stack.toml"
    text = settings.read_text()
    if "[stack]\n" not in text:
        sys.exit(f"{settings} has no line [stack].")
    settings.write_text(text.replace("[stack]\n", '[stack]\ncompression = "zstd"\n', 1))
    commit(target)
    return target


def remove_suites(source: Path) -> None:
    """Leave no tests but those that an image carries for the GPU gate."""
    for folder in [*source.glob("images/*/tests/*"), source / "images/tests_common"]:
        if folder.name != "gpu":
            shutil.rmtree(folder)
    commit(source)


def change_leaf(source: Path) -> None:
    """Let an image on which no other depends have one more variable, which rebuilds all of it."""
    file = source / LEAF
    file.write_text(file.read_text().replace("USER root\n", "ENV CHANGED=1\nUSER root\n", 1))
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
        try:
            call(source, "plan")
            yield
        finally:
            os.environ[RUNNER_HOST] = before


def call(source: Path, *words: str) -> float:
    """Call a function of the module on the stack; return the seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "daggerw", "call", *words], cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{words[0]} failed:\n{done.stderr[-3000:]}")
    seconds = time.monotonic() - begun
    print(f"ours: {words[0]} {seconds:.1f} s\n{done.stdout}", flush=True)
    return seconds


if __name__ == "__main__":
    main()
