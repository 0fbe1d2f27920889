"""Two engines publish one stack from one terminal, and what becomes of it when one of them, or all, are killed."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from native_engine.client import RUNNER_HOST
from tests.e2e.conftest import Call
from tests.e2e.fleet_stack import FILES, IMAGES, WAITING, Fleet
from tests.e2e.notebook_stack import Operator, new_operator
from tests.e2e.second_engine import SecondEngine
from tests.e2e.socket_relay import socket_relay
from tests.e2e.test_shares import names, outcomes, rows
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import PASSWORD, DebianRegistry

MOST_READS = 30  # successful requests of a whole fleet for manifests of one image, and of what is attached to it
BUILT = dict.fromkeys(IMAGES, "built")


class Waiting:
    """An image that waits while it is built, on whichever engine."""

    def __init__(self, image: str) -> None:
        self.seconds = f"20.{secrets.randbelow(10**9):09}"
        sleep = f"RUN sleep {self.seconds}\n"
        self.files = {
            path: text.replace(f"{{{image}}}", sleep).replace("{da1}", "").replace("{db1}", "")
            for path, text in WAITING.items()
        }

    @property
    def is_building(self) -> bool:
        command = f"sleep\0{self.seconds}\0".encode()
        return any(_read(path) == command for path in Path("/proc").glob("[0-9]*/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


@pytest.fixture
def start(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Callable[..., Fleet]:
    def make(files: dict[str, str], second: str) -> Fleet:
        operator = new_operator(tmp_path, call, debian, bridge, files)
        return Fleet(operator, (os.environ[RUNNER_HOST], second), tmp_path)

    return make


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], fleet: Fleet) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, fleet.errors
        assert time.monotonic() < deadline, fleet.errors
        time.sleep(0.05)


def puts(fleet: Fleet) -> Counter[str]:
    """Return how many times each image got a staging tag."""
    return Counter(image for image, _ in fleet.requests("PUT", "manifests/s-"))


def test_two_engines_publish_what_one_does(
    start: Callable[..., Fleet], other_engine: SecondEngine, tmp_path: Path
) -> None:
    fleet = start(FILES, other_engine.address)
    operator = fleet.operator
    assert fleet.run() == 0, fleet.errors
    assert outcomes(fleet.report) == BUILT
    assert fleet.printed == (fleet.report / "summary.txt").read_text()
    assert f"branch-2 on {other_engine.address}: " in fleet.errors

    # Each image is there once, on the parent that has the same tag, and was uploaded once.
    assert fleet.state.is_whole, str(fleet.state)
    digests = {image: set(tags.values()) for image, tags in tagged(operator).items()}
    assert {image: len(own) for image, own in digests.items()} == dict.fromkeys(IMAGES, 1)
    assert puts(fleet) == dict.fromkeys(IMAGES, 1)
    # Of the layers, only those of the base were fetched, and once: the first engine has built them.
    fetched = Counter(dict.fromkeys(IMAGES, 0))
    for image, request in fleet.requests("GET", "blobs/"):
        fetched[image] += request.size
    reads = Counter(image for image, _ in fleet.requests("GET", "manifests/"))
    assert fetched.pop("base") > 1_000_000
    assert max(fetched.values()) < 100_000
    assert max(reads.values()) <= MOST_READS
    for path in fleet.report.rglob("*"):
        assert path.is_dir() or PASSWORD.encode() not in path.read_bytes(), path

    shared = names(operator.tags())
    operator.name += "-alone"
    target = tmp_path / "alone"
    assert operator.run("build-report", "--publish", "-o", str(target)).returncode == 0, operator.errors
    assert names(operator.tags()) == shared
    assert rows(fleet.report) == rows(target)


def tagged(operator: Operator) -> dict[str, dict[str, str]]:
    """Return the digests of the tags of images: not those of lists of what is attached."""
    kinds = ("s-", "k-", operator.tag)
    return {
        image: {tag: digest for tag, digest in tags.items() if tag.startswith(kinds)}
        for image, tags in operator.tags().items()
    }


def test_a_share_whose_client_is_killed_goes_to_the_other_engine(
    start: Callable[..., Fleet], other_engine: SecondEngine
) -> None:
    waiting = Waiting("da1")
    fleet = start(waiting.files, other_engine.address)
    with fleet.running() as process:
        wait_until(lambda: waiting.is_building, process, fleet)
        (client,) = fleet.clients(process, "branch-1")
        os.kill(client, signal.SIGKILL)
        assert process.wait(timeout=300) == 0, fleet.errors
    first, second = fleet.engines
    assert f"branch-1 on {first}: ended without a report" in fleet.errors
    assert f"branch-1 on {second}: built 2" in fleet.errors.replace("reused 1, ", "")
    assert outcomes(fleet.report) == BUILT
    assert fleet.state.is_whole, str(fleet.state)


def test_an_engine_that_is_lost_gets_no_more_shares(
    start: Callable[..., Fleet], other_engine: SecondEngine, tmp_path: Path
) -> None:
    waiting = Waiting("db1")
    address = tmp_path / "engine.sock"
    with socket_relay(address, Path(other_engine.address.removeprefix("unix://"))) as cut:
        fleet = start(waiting.files, f"unix://{address}")
        with fleet.running() as process:
            wait_until(lambda: waiting.is_building, process, fleet)
            cut()
            assert process.wait(timeout=300) == 0, fleet.errors
    first, second = fleet.engines
    assert f"{second} does not answer: it gets no more shares" in fleet.errors
    assert f"branch-2 on {first}: started" in fleet.errors
    assert outcomes(fleet.report) == BUILT
    assert fleet.state.is_whole, str(fleet.state)


def test_a_fleet_that_was_killed_finishes_when_it_is_run_again(
    start: Callable[..., Fleet], other_engine: SecondEngine, tmp_path: Path
) -> None:
    waiting = Waiting("da1")
    fleet = start(waiting.files, other_engine.address)
    with fleet.running() as process:
        wait_until(lambda: waiting.is_building and "branch-2 on" in ended(fleet), process, fleet)
        fleet.kill(process)

    operator, early = fleet.operator, tmp_path / "early"
    assert operator.run("gather", "--kept", str(fleet.kept), "-o", str(early)).returncode == 0, operator.errors
    assert outcomes(early) == {**BUILT, "da1": "missing", "da2": "missing"}
    assert (early / "exit-code").read_text() == "1\n"
    assert "branch-1" in (early / "summary.txt").read_text()
    assert fleet.state.is_absent

    before = puts(fleet)
    assert fleet.run() == 0, fleet.errors
    assert outcomes(fleet.report) == {**dict.fromkeys(IMAGES, "reused"), "da1": "built", "da2": "built"}
    assert puts(fleet) - before == {"da1": 1, "da2": 1}
    assert fleet.state.is_whole, str(fleet.state)
    assert json.loads((fleet.kept / "division/shares.json").read_text())["division"]["branches"] == []


def ended(fleet: Fleet) -> str:
    """Return the lines of what ended with a report."""
    return "".join(line for line in fleet.errors.splitlines() if ": built" in line or ": reused" in line)
