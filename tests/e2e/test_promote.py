"""Promotion as an operator does it: ./daggerw call test-gpu, tag, history, rollback; docker-registry and OpenSSH."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import IMAGES, TOML, Shop, commit, new_shop
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
def shop(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Shop:
    return new_shop(tmp_path, call, debian, bridge)


def ssh(node: RealNode, folder: Path) -> Sequence[str]:
    os.environ["SSH_KEY"] = node.private_key
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[login.test]:{node.port} {node.host_key}\n")
    service = f"tcp://localhost:{node.port}"
    return ("--ssh-key", "env:SSH_KEY", "--known-hosts", str(known_hosts), "--ssh-service", service)


def test_promote_and_go_back(shop: Shop, node: RealNode, tmp_path: Path) -> None:
    said: list[str] = []

    def run(function: str, *words: str) -> int:
        done = shop.run(function, *words)
        said.extend((done.stdout, done.stderr))
        return done.returncode

    login = ssh(node, tmp_path)
    commit(shop.repository, {"images/stack.toml": TOML + GPU.format(node=node, tests=node.written(PASSING))})
    assert shop.publish() == dict.fromkeys(IMAGES, "built"), shop.errors
    first, images = shop.tag, shop.stack(shop.tag)

    assert run("tag", "--tag", first) == 1
    assert "No GPU test result for ml (" in shop.errors
    assert run("tag", "--tag", first, "--dry-run", *login) == 0, shop.errors
    assert "4 of 4 tags would move; nothing was written." in shop.printed
    assert "GPU gate: passed" in shop.printed
    assert shop.stack(STABLE) == {}

    assert run("test-gpu", "--tag", first, *login) == 0, shop.errors
    assert "GPU gate: passed." in shop.printed
    assert (images["ml"] in shop.printed, node.pods) == (True, [])

    assert run("tag", "--tag", first) == 0, shop.errors
    assert "4 of 4 tags moved, all verified." in shop.printed
    assert shop.stack(STABLE) == images
    assert run("tag", "--tag", first) == 0, shop.errors
    assert "All tags name these images already" in shop.printed

    commit(shop.repository, {"images/ml/Dockerfile": "FROM ds\nRUN echo other > /weights\n"})
    assert shop.publish()["ml"] == "built", shop.errors
    reason = "the cluster is down, and class begins at nine"
    assert run("tag", "--tag", shop.tag, "--accept-without-gpu", reason, "--also", "stable") == 0, shop.errors
    assert shop.stack(STABLE) == shop.stack("stable") == shop.stack(shop.tag) != images

    assert run("history", "--tag", STABLE) == 0, shop.errors
    assert reason in shop.printed
    assert run("rollback", "--tag", STABLE, "--dry-run") == 0, shop.errors
    assert shop.stack(STABLE) == shop.stack(shop.tag)
    assert run("rollback", "--tag", STABLE) == 0, shop.errors
    assert shop.stack(STABLE) == images

    secrets = (PASSWORD, node.private_key.splitlines()[1])
    assert [text for text in said for secret in secrets if secret in text] == []


def test_tests_that_fail_on_the_gpu_promote_nothing(shop: Shop, node: RealNode, tmp_path: Path) -> None:
    tests = node.written(PASSING + "\n\ndef test_bad():\n    assert 6 * 7 == 41\n")
    commit(shop.repository, {"images/stack.toml": TOML + GPU.format(node=node, tests=tests)})
    assert set(shop.publish().values()) <= {"built"}, shop.errors
    assert shop.run("tag", "--tag", shop.tag, *ssh(node, tmp_path)).returncode == 1
    assert "tests failed" in shop.errors
    assert "test_bad" in shop.errors
    assert shop.stack(STABLE) == {}
    assert node.pods == []
