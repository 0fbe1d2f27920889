"""A small stack in a git repository, published to Debian's docker-registry by an operator."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.e2e.conftest import Call
from tests.e2e.stacks import BASE, DS, ML, R
from tests.integration.adapters.git.repository import Repository
from tests.integration.adapters.oci.debian import PASSWORD, USER, DebianRegistry

SUITE = "def test_it():\n    pass\n"
TOML = '[stack]\nversion = "2026.4"\nrebuild-all = ["images/stack.toml"]\n'
PYTHON = "RUN apt-get update && apt-get install --yes --no-install-recommends python3\n"
# The image suites need Python in the image. Its RUN comes right after the FROM, so that all tests share the layer.
FILES = {
    "images/stack.toml": TOML,
    "images/base/Dockerfile": BASE.replace("COPY", f"{PYTHON}COPY", 1),
    "images/base/greeting": "hello\n",
    "images/base/.dockerignore": "notes\n",
    "images/base/tests/image/test_base.py": SUITE,
    "images/ds/Dockerfile": DS,
    "images/ml/Dockerfile": ML,
    "images/ml/tests/image/test_ml.py": SUITE,
    "images/r/Dockerfile": R,
}
IMAGES = ("base", "ds", "ml", "r")
_ROW = re.compile(r"^[│├└─ ]*(base|ds|ml|r) .*?(built|reused|TESTS FAILED|NOT UPLOADED.*|FAILED.*|BLOCKED.*)$")


class Door(Protocol):
    """Leads an engine to the registry, on a local port. `sent` is how many bytes went in."""

    port: int
    sent: int


class Operator:
    """The calls of an operator on the repository and the registry."""

    def __init__(self, repository: Repository, call: Call, debian: DebianRegistry, bridge: Door) -> None:
        self.repository = repository
        self.debian = debian
        self.bridge = bridge
        self.printed = ""
        self.errors = ""
        self.name = f"localhost:{bridge.port}/{repository.root.parent.name}".lower().replace("_", "-")
        self.call = call

    @property
    def registry(self) -> tuple[str, ...]:
        os.environ["REGISTRY_PASSWORD"] = PASSWORD
        words = {
            "--registry": self.name,
            "--registry-username": USER,
            "--registry-password": "env:REGISTRY_PASSWORD",
            "--registry-service": f"tcp://localhost:{self.bridge.port}",
        }
        return tuple(word for pair in words.items() for word in pair)

    @property
    def tag(self) -> str:
        return f"2026.4-{self.repository.git('rev-parse', 'HEAD')[:7]}"

    def run(self, function: str, *words: str) -> subprocess.CompletedProcess[str]:
        done = self.call("--source", self.repository.root, function, *self.registry, *words)
        self.printed, self.errors = done.stdout, done.stderr
        return done

    def publish(self, *words: str) -> Mapping[str, str]:
        """Return the outcome of each image, from the printed table."""
        done = self.run("build-stack", "--publish", *words)
        text = done.stdout if done.returncode == 0 else done.stderr
        found = (_ROW.match(line.removeprefix("! ")) for line in text.splitlines())
        return {row[1]: row[2] for row in found if row}

    def tags(self) -> Mapping[str, Mapping[str, str]]:
        """Return the digests of all tags by image, read from the registry's storage."""
        found: dict[str, dict[str, str]] = {}
        root = self.debian.storage / "docker/registry/v2/repositories" / self.name.partition("/")[2]
        for link in root.glob("*/_manifests/tags/*/current/link"):
            image, tag = link.parts[-6], link.parts[-3]
            found.setdefault(image, {})[tag] = link.read_text()
        return found

    def stack(self, tag: str) -> Mapping[str, str]:
        """Return the digests that a tag points to, by image."""
        return {image: tags[tag] for image, tags in self.tags().items() if tag in tags}


def commit(repository: Repository, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        repository.write(path, text)
    repository.commit()


def new_operator(
    folder: Path, call: Call, debian: DebianRegistry, bridge: Door, files: Mapping[str, str] = FILES
) -> Operator:
    repository = Repository.new(folder / "tree")
    commit(repository, files)
    return Operator(repository, call, debian, bridge)
