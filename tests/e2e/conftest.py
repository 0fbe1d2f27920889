"""A real engine for the tests: the one that ./daggerw would use, brought up if need be."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import dagger
import pytest

from native_engine.client import client_environment
from native_engine.native import bring_up
from tests.e2e.second_engine import SecondEngine, second_engine
from tests.e2e.stacks import write_tree
from tests.integration.adapters.oci.bridge import Bridge, bridge_to
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry

ROOT = Path(__file__).parents[2]

Call = Callable[..., subprocess.CompletedProcess[str]]
MakeTree = Callable[..., Path]


def run_call(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `./daggerw call …` as an operator would; returns what it printed and its exit code."""
    command = [sys.executable, str(ROOT / "daggerw"), "call", *map(str, words)]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="session")
def engine() -> None:
    """Bring up an engine and let this process's Dagger client find it."""
    os.environ.update(client_environment(bring_up))


@pytest.fixture(scope="session")
async def session(engine: None) -> AsyncIterator[None]:  # noqa: ARG001 (it must be up)
    """Open the process's one connection to the engine."""
    async with dagger.connection(dagger.Config(log_output=None)):
        yield


@pytest.fixture(scope="module")
def other_engine(engine: None) -> Iterator[SecondEngine]:  # noqa: ARG001 (it is copied)
    """Start a second engine on this machine, with an empty cache."""
    with second_engine() as started:
        yield started


@pytest.fixture
def tree(tmp_path: Path) -> MakeTree:
    """Write a source tree into a fresh folder: `tree({"images/base/Dockerfile": "FROM …"})`."""

    def write(files: dict[str, str]) -> Path:
        return write_tree(tmp_path / "tree", files)

    return write


@pytest.fixture(scope="session")
def call(engine: None) -> Call:  # noqa: ARG001 (it must be up)
    """`./daggerw call …` with an engine that is up."""
    return run_call


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRegistry]:
    """Debian's docker-registry, with TLS and a password."""
    with debian_registry(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def bridge(debian: DebianRegistry) -> Iterator[Bridge]:
    """The door to it for engines, which do not know its CA."""
    with bridge_to(debian.host, debian.ca) as opened:
        yield opened
