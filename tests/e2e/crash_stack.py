"""A small stack, its registry in the states that commands begin with, and the commands that are killed."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, assert_never

from tests.e2e.conftest import run_call
from tests.e2e.crash_proxy import CrashProxy, Point, crash_proxy
from tests.e2e.killed_run import KilledRun, Victim, run_and_kill
from tests.e2e.notebook_stack import PYTHON, SUITE, TOML
from tests.e2e.published_stack import StackReader
from tests.e2e.stacks import write_tree
from tests.integration.adapters.git.repository import Repository
from tests.integration.adapters.oci.debian import PASSWORD, USER, debian_registry

# Python comes in a file: a refresh does every RUN anew, and installs nothing this way. Each RUN leaves something else
# each time it is done, so that no build is like another.
STAMP = "RUN date +%N%s > /stamp-of-{0}\n"
FILES = {
    "images/stack.toml": TOML,
    "images/base/Dockerfile": f"FROM debian:bookworm-slim\nADD python.tar.gz /\n{STAMP.format('base')}",
    "images/ds/Dockerfile": f"FROM base\n{STAMP.format('ds')}",
    "images/ml/Dockerfile": f"FROM ds\n{STAMP.format('ml')}",
    "images/r/Dockerfile": f"FROM base\n{STAMP.format('r')}",
    "images/tests_common/image/test_common.py": SUITE,
}
NEXT = {"images/base/Dockerfile": FILES["images/base/Dockerfile"].replace("RUN", "RUN touch /next\nRUN")}
PARENTS = {"base": "debian", "ds": "base", "ml": "ds", "r": "base"}
STABLE = "2026.4-stable"
_PACK = r"""RUN dpkg -L $(awk '$3 == "install" {print $4}' /var/log/dpkg.log) | sort -u \
    | while read -r path; do [ -d "$path" ] || echo "$path"; done | grep -v -e /share/ -e /etc/ > /list \
    && tar -czf /python.tar.gz --transform='s:^lib/:usr/lib/:' --files-from=/list
"""
_ROW = re.compile(r"^(?:! )?[│├└─ ]*(?:base|ds|ml|r) .*?(built|reused)$", re.MULTILINE)


class Command(StrEnum):
    """What is killed, on the second of two published stacks."""

    PUBLISH = "publish"
    REFRESH = "refresh"
    REBUILD = "rebuild"
    TAG = "tag"
    ROLLBACK = "rollback"

    @property
    def publishes(self) -> bool:
        return self in {Command.PUBLISH, Command.REFRESH, Command.REBUILD}


class Said(NamedTuple):
    """A command that was not killed."""

    exit_code: int
    printed: str
    errors: str

    @property
    def outcomes(self) -> Counter[str]:
        """How many images were built and how many were reused."""
        return Counter(_ROW.findall(self.printed or self.errors))


class CrashStack:
    """A stack of two commits, and its registry. `first` and `second` are the tags of the commits' stacks."""

    def __init__(self, folder: Path, storage: Path, proxy: CrashProxy) -> None:
        self._folder = folder
        self._storage = storage
        self._proxy = proxy
        self._name = f"localhost:{proxy.port}/stack"
        self.repository = _repository(folder)
        self.reader = StackReader(proxy.upstream, "stack", PARENTS)
        self.first = self._publish_and_promote()
        self.save("first is stable")
        for path, text in NEXT.items():
            self.repository.write(path, text)
        self.repository.commit()
        self.second = self._publish_and_promote("second is published")
        self.save("second is stable")

    def begin(self, command: Command) -> None:
        """Put the registry in the state in which a command begins."""
        match command:
            case Command.PUBLISH:
                self.load("first is stable")
            case Command.REFRESH | Command.REBUILD | Command.TAG:
                self.load("second is published")
            case Command.ROLLBACK:
                self.load("second is stable")
            case _:
                assert_never(command)

    def target(self, command: Command) -> str:
        """Return the tag that a command writes."""
        return self.second if command.publishes else STABLE

    def run(self, command: Command, *more: str) -> Said:
        return self.call(*self._words(command), *more)

    def kill(self, command: Command, point: Point, victim: Victim) -> KilledRun:
        return run_and_kill(self._call_words(*self._words(command)), self._proxy, point, victim)

    def call(self, function: str, *words: str) -> Said:
        done = run_call(*self._call_words(function, *words))
        return Said(done.returncode, done.stdout, done.stderr)

    def save(self, name: str) -> None:
        """Keep the registry's present state."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        shutil.copytree(self._storage, self._folder / name)

    def load(self, name: str) -> None:
        """Put the registry back to a state; it keeps nothing in memory."""
        shutil.rmtree(self._storage)
        shutil.copytree(self._folder / name, self._storage)

    def link(self, image: str, tag: str) -> Path:
        """Return the registry's file with the digest that a tag points to."""
        manifests = self._storage / "docker/registry/v2/repositories/stack" / image / "_manifests"
        return manifests / "tags" / tag / "current" / "link"

    def _words(self, command: Command) -> tuple[str, ...]:
        match command:
            case Command.PUBLISH:
                return ("build-stack", "--publish")
            case Command.REFRESH:
                return ("build-stack", "--publish", "--refresh")
            case Command.REBUILD:
                return ("build-stack", "--publish", "--rebuild", "all")
            case Command.TAG:
                return ("tag", "--tag", self.second, "--accept-without-gpu", "this stack has no GPU")
            case Command.ROLLBACK:
                return ("rollback", "--tag", STABLE)
        assert_never(command)

    def _call_words(self, function: str, *words: str) -> tuple[str | Path, ...]:
        os.environ["REGISTRY_PASSWORD"] = PASSWORD
        login = ("--registry-username", USER, "--registry-password", "env:REGISTRY_PASSWORD")
        way = ("--registry", self._name, "--registry-service", f"tcp://localhost:{self._proxy.port}")
        return ("--source", self.repository.root, function, *way, *login, *words)

    def _publish_and_promote(self, saved: str = "") -> str:
        published = self.run(Command.PUBLISH)
        assert published.exit_code == 0, published.errors
        tag = f"2026.4-{self.repository.git('rev-parse', 'HEAD')[:7]}"
        if saved:
            self.save(saved)
        promoted = self.call("tag", "--tag", tag, "--accept-without-gpu", "this stack has no GPU")
        assert promoted.exit_code == 0, promoted.errors
        assert str(self.reader.read(tag)) == str(self.reader.read(STABLE)) == "whole"
        return tag


@contextmanager
def crash_stack(folder: Path) -> Iterator[CrashStack]:
    """Publish and promote both commits; the registry runs for as long as the context is open."""
    with debian_registry(folder) as debian, crash_proxy(debian.host, debian.ca) as proxy:
        yield CrashStack(folder, debian.storage, proxy)


def _repository(folder: Path) -> Repository:
    root = folder / "tree"
    repository = Repository.new(root)
    write_tree(root, FILES)
    _pack_python(folder / "python", root / "images/base/python.tar.gz")
    repository.commit()
    return repository


def _pack_python(folder: Path, target: Path) -> None:
    """Write Debian's Python to a file; its installation is a layer that other tests have, too."""
    write_tree(folder, {"images/python/Dockerfile": f"FROM debian:bookworm-slim\n{PYTHON}{_PACK}"})
    words = ("image", "--name", "python", "file", "--path", "/python.tar.gz", "export", "--path", target)
    done = run_call("--source", folder, *words)
    assert done.returncode == 0, done.stderr
