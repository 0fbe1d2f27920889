"""Promotion as an operator does it: ./daggerw call test-gpu, tag, history, rollback; docker-registry and OpenSSH."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import IMAGES, TOML, Operator, commit, new_operator
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import PASSWORD, DebianRegistry
from tests.integration.gpu_gate.sshd import RealNode, real_sshd

STABLE = "2026.4-stable"
PASSING = "def test_gpu():\n    pass\n\n\ndef test_more():\n    pass\n"
GPU = """
[gpu]
image = "ml"
host = "login.test"
port = {node.port}
user = "{node.user}"
launch = "{node.folder}/bin/launch.sh"
gpu-class = "small"
workspace = "DS_1"
tests = "{tests}"
min-passed = 2
queue-limit = 60
run-limit = 60
"""


@pytest.fixture(scope="module")
def node() -> Iterator[RealNode]:
    with real_sshd("publickey") as running:
        yield running


@pytest.fixture
def operator(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Operator:
    return new_operator(tmp_path, call, debian, bridge)


def ssh(node: RealNode, folder: Path) -> Sequence[str]:
    os.environ["SSH_KEY"] = node.private_key
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[login.test]:{node.port} {node.host_key}\n")
    service = f"tcp://localhost:{node.port}"
    return ("--ssh-key", "env:SSH_KEY", "--known-hosts", str(known_hosts), "--ssh-service", service)


def recorded(operator: Operator, said: list[str]) -> Callable[..., int]:
    """Return what runs a function of the operator and keeps what it said; it returns the exit code."""

    def run(function: str, *words: str) -> int:
        done = operator.run(function, *words)
        said.extend((done.stdout, done.stderr))
        return done.returncode

    return run


def test_promote_and_go_back(operator: Operator, node: RealNode, tmp_path: Path) -> None:
    said: list[str] = []
    run = recorded(operator, said)
    login = ssh(node, tmp_path)
    commit(operator.repository, {"images/stack.toml": TOML + GPU.format(node=node, tests=node.write_tests(PASSING))})
    assert operator.publish() == dict.fromkeys(IMAGES, "built"), operator.errors
    first, images = operator.tag, operator.stack(operator.tag)

    assert run("tag", "--tag", first) == 1
    assert "No GPU test result for ml (" in operator.errors
    assert run("tag", "--tag", first, "--dry-run", *login) == 0, operator.errors
    assert "4 of 4 tags would move; nothing was written." in operator.printed
    assert "GPU gate: passed" in operator.printed
    assert operator.stack(STABLE) == {}

    assert run("test-gpu", "--tag", first, "--as-markdown", *login) == 0, operator.errors
    assert "## ✅ GPU gate: passed" in operator.printed
    assert (images["ml"] in operator.printed, node.pods) == (True, [])

    assert run("tag", "--tag", first) == 0, operator.errors
    assert "4 of 4 tags moved, all verified." in operator.printed
    assert operator.stack(STABLE) == images
    assert run("tag", "--tag", first, "--as-markdown") == 0, operator.errors
    assert "\n\nAll tags already point to these images; no tag was written.\n\n| image | tag |" in operator.printed

    commit(operator.repository, {"images/ml/Dockerfile": "FROM ds\nRUN echo other > /weights\n"})
    assert operator.publish()["ml"] == "built", operator.errors
    reason = "the cluster is down, and class begins at nine"
    assert run("tag", "--tag", operator.tag, "--accept-without-gpu", reason, "--also", "stable") == 0, operator.errors
    assert operator.stack(STABLE) == operator.stack("stable") == operator.stack(operator.tag) != images

    assert run("history", "--tag", STABLE) == 0, operator.errors
    assert reason in operator.printed
    assert run("history", "--tag", STABLE, "--as-markdown") == 0, operator.errors
    assert "| record | at | what | status | id |" in operator.printed
    assert run("rollback", "--tag", STABLE, "--dry-run", "--as-markdown") == 0, operator.errors
    assert "1 of 4 tags would move; nothing was written.\n\n| image | tag |" in operator.printed
    assert operator.stack(STABLE) == operator.stack(operator.tag)
    assert run("rollback", "--tag", STABLE) == 0, operator.errors
    assert operator.stack(STABLE) == images

    secrets = (PASSWORD, node.private_key.splitlines()[1])
    assert [text for text in said for secret in secrets if secret in text] == []


def test_tests_that_fail_on_the_gpu_promote_nothing(operator: Operator, node: RealNode, tmp_path: Path) -> None:
    tests = node.write_tests(PASSING + "\n\ndef test_bad():\n    assert 6 * 7 == 41\n")
    commit(operator.repository, {"images/stack.toml": TOML + GPU.format(node=node, tests=tests)})
    assert set(operator.publish().values()) <= {"built"}, operator.errors
    assert operator.run("tag", "--tag", operator.tag, *ssh(node, tmp_path)).returncode == 1
    assert "tests failed" in operator.errors
    assert "test_bad" in operator.errors
    assert operator.stack(STABLE) == {}
    assert node.pods == []
