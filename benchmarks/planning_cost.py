"""Measures the steps of a plan: read a stack, fuse all images, compute all keys, query a registry for them.

usage: PYTHONPATH=. python benchmarks/planning_cost.py [--images 100 300 1000] [--files 10] [--runs 3]

Writes synthetic stacks into a temporary folder. Each image is the parent of four and has `--files` files, some of which
are ignored. Prints the lowest seconds of each step over all runs. Computing all keys includes fusing all images again.
The registry is Debian's docker-registry on this machine, with TLS and a password. A second table has the seconds and
requests to collect all inputs, which includes computing the keys again: of a stack that was never published, of one
that is reused as a whole, and of one in which the last image changed.
"""  # noqa: INP001 (a script, not a package)

import argparse
import logging
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import anyio
from tabulate import tabulate

from ci.adapters.oci.client import HttpRegistry
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts, collect_inputs
from ci.fusion.fuse import fuse_all
from ci.oci.concurrency import gather_or_raise
from ci.oci.referrers import push_referrer
from ci.planning.cache_key import make_keys
from ci.planning.changes import Changed, History, Unknown
from ci.planning.decisions import Absent, NoAnswer, PlanInputs, decide
from ci.publish.attestations import TEST_ATTESTATIONS, TestAttestation
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from ci.stack.image import Image
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.folder_tree import FolderTree
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.unit.build.fakes import FakeBuilder, FakeInspector, FakeTester, KeptProgress
from tests.unit.planning.sample_keys import PIPELINE

CHILDREN = 4
DOCKERFILE = """\
ARG PYTHON=3.13
FROM python:$PYTHON AS tools
RUN pip install --target=/tools example-{number}
FROM {parent}
ARG LEVEL=1
ENV LEVEL=$LEVEL LANG=C.UTF-8
COPY --from=tools /tools /opt/tools
COPY requirements.txt folder0/ /tmp/
RUN apt-get update && \\
    apt-get install --yes example-{number}
RUN --mount=type=bind,source=requirements.txt,target=/r pip install -r /r
WORKDIR /home
CMD ["example"]
"""
STEPS = ("walk the tree", "read the stack", "fuse all images", "make all keys", "decide")
CASES = ("never published", "all reused", "one leaf changed")
UNKNOWN = History(commit=None, dirty=False, changes=Unknown(why=""))


def main(arguments: list[str]) -> None:
    """Measure stacks of each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    rows: list[list[object]] = []
    requests: list[list[object]] = []
    for images in options.images:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as storage:
            write_stack(Path(folder), images, options.files)
            with debian_registry(Path(storage)) as debian:
                runs = [measure(Path(folder)) for _ in range(options.runs)]
                requests += [[images, *case] for case in anyio.run(collect, Path(folder), debian, options.runs)]
        rows.append([images, images * options.files, *(f"{min(step):.3f}" for step in zip(*runs, strict=True))])
    print(tabulate(rows, headers=["images", "files", *STEPS], tablefmt="github", disable_numparse=True))
    print()
    headers = ["images", "registry", "seconds", "requests", "an image", "GETs of manifests"]
    print(tabulate(requests, headers=headers, tablefmt="github", disable_numparse=True))


def write_stack(root: Path, images: int, files: int) -> None:
    """Write images with `files` files each; each but the first is built on another one."""
    for number in range(images):
        folder = root / f"images/image-{number}"
        (folder / "tests/image").mkdir(parents=True)
        parent = f"registry.example/image-{(number - 1) // CHILDREN}:1" if number else "debian:bookworm"
        (folder / "Dockerfile").write_text(DOCKERFILE.format(number=number, parent=parent))
        (folder / ".dockerignore").write_text("*.md\n!README.md\n**/__pycache__\nfolder2/*.log\n")
        (folder / "requirements.txt").write_text(f"example=={number}\n")
        (folder / "tests/image/test_it.py").write_text("def test_it(): ...\n")
        for count in range(files - 4):
            path = folder / f"folder{count % 3}/file{count}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{number} {count}\n" * 100)


async def known_digest(reference: str) -> str | None:
    """Return a digest of a base image that needs no request."""
    return f"sha256:{'0' * 63}{len(reference) % 10}"


class RequestLog(logging.Handler):
    """Keeps the method and the path of each request."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.requests: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what a line of the client is about."""
        if isinstance(record.args, tuple):
            self.requests.append((str(record.args[0]), str(record.args[2])))


async def collect(root: Path, debian: DebianRegistry, runs: int) -> list[list[object]]:
    """Collect all inputs of a plan in each case; return the lowest seconds and the requests."""
    log = RequestLog()
    logging.getLogger("ci.oci").addHandler(log)
    logging.getLogger("ci.oci").setLevel(logging.DEBUG)
    rows: list[list[object]] = []
    for case in CASES:
        if case == "all reused":
            await publish(root, debian)
        elif case == "one leaf changed":
            leaf = max((root / "images").iterdir(), key=lambda folder: int(folder.name.rpartition("-")[2]))
            (leaf / "requirements.txt").write_text("example==other\n")
        tree = FolderTree(root)
        stack = read_stack(tree)
        seconds = []
        for _ in range(runs):
            log.requests.clear()
            begun = time.perf_counter()
            await ask(stack, tree, debian)
            seconds.append(time.perf_counter() - begun)
        pulls = sum(method == "GET" and "/manifests/" in path for method, path in log.requests)
        count = len(log.requests)
        rows.append([case, f"{min(seconds):.2f}", count, f"{count / len(stack.images):.2f}", pulls])
    return rows


async def ask(stack: Stack, tree: FolderTree, debian: DebianRegistry) -> PlanInputs:
    """Do everything that `plan` does before it decides."""

    async def history(_base: str, _head: str) -> History:
        return UNKNOWN

    async with HttpRegistry(debian.endpoint) as registry:
        ports = BuildPorts(
            base_digest=known_digest,
            history=history,
            registry=RegistrySession(registry, layout(debian), has_login=True),
            builder=FakeBuilder(),
            tester=FakeTester(),
            inspector=FakeInspector(),
            progress=KeptProgress(),
            pipeline=PIPELINE,
            jobs=2,
        )
        return await collect_inputs(stack, tree, BuildOptions(), ports)


def layout(debian: DebianRegistry) -> TagLayout:
    """Return where the images are."""
    return TagLayout(registry=f"{debian.host}/synthetic")


async def publish(root: Path, debian: DebianRegistry) -> None:
    """Write a small image for each key, with its attestation, each built on the one of its parent."""
    tree = FolderTree(root)
    stack = read_stack(tree)
    keys = (await ask(stack, tree, debian)).keys
    tags = layout(debian)
    images = {image.name: image_manifest(b"{}", image.name.encode()) for image in stack.images}
    async with HttpRegistry(debian.endpoint) as registry:

        async def write(image: Image) -> None:
            key, manifest, repository = keys[image.name], images[image.name], tags.repository(image.name)
            for blob in (b"{}", image.name.encode()):
                await registry.put_blob(repository, blob)
            await registry.put(tags.cache_tag(image.name, key.key or ""), manifest)
            attestation = TestAttestation(
                key=key.key or "",
                suites=key.tests_key,
                passed=1,
                skipped=0,
                flaky=0,
                started="2026-11-26T00:00:00+00:00",
                needs={name: images[name].digest for name in image.needs},
            )
            await push_referrer(registry, repository, manifest.descriptor, TEST_ATTESTATIONS.artifact(attestation))

        await gather_or_raise(write, stack.images, 8)


def measure(root: Path) -> list[float]:
    """Return the seconds of each step."""
    marks = [time.perf_counter()]
    tree = FolderTree(root)
    marks.append(time.perf_counter())
    stack = read_stack(tree)
    marks.append(time.perf_counter())
    fuse_all(stack, [image.name for image in stack.images])
    marks.append(time.perf_counter())
    keys = make_keys(stack, tree, stack.images, {"debian:bookworm": "a", "python:3.13": "b"}, PIPELINE)
    marks.append(time.perf_counter())
    changes = Changed(base="", paths=tuple(path for path in tree.paths if path.endswith("file1")))
    answers = {image.name: Absent() if keys[image.name].key else NoAnswer(why="") for image in stack.images}
    history = History(commit=None, dirty=False, changes=changes)
    decide(stack, stack.images, PlanInputs(keys=keys, answers=answers, history=history, records=None))
    marks.append(time.perf_counter())
    return [end - begin for begin, end in pairwise(marks)]


if __name__ == "__main__":
    main(sys.argv[1:])
