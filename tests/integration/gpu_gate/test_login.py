import socket

import anyio
import asyncssh
import pytest

from ci.adapters.ssh import SshLogin
from ci.errors import RequestError
from ci.gpu_gate.verdict import GpuVerdict
from tests.integration.gpu_gate.launcher_scenarios import passing
from tests.integration.gpu_gate.operator import REFERENCE, Gate
from tests.integration.gpu_gate.ssh_server import PASSWORD, Cluster, Node, running

pytestmark = pytest.mark.anyio


LOCKED = asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase=PASSWORD).decode()


def key_pair() -> tuple[str, bytes]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key().decode(), key.export_public_key()


async def log_in(
    method: str, login: SshLogin, authorized: bytes | None = None, known_hosts: str = ""
) -> tuple[GpuVerdict, Node]:
    async with running(Cluster([passing]), method, authorized) as node:
        return await Gate().run_on(node, attempts=3, login=login, known_hosts=known_hosts), node


@pytest.mark.parametrize("method", ["password", "keyboard"])
async def test_a_password_is_accepted(method: str) -> None:
    verdict, _ = await log_in(method, SshLogin(password=PASSWORD))
    assert verdict.passed


@pytest.mark.parametrize("end", ["\n", "\r\n", ""], ids=["as written", "Windows", "no last line's end"])
async def test_a_key_is_accepted(end: str) -> None:
    private, public = key_pair()
    verdict, _ = await log_in("", SshLogin(private_key=private.strip().replace("\n", end or "\n") + end), public)
    assert verdict.passed


async def test_with_both_the_password_is_used_where_the_key_is_not_accepted() -> None:
    private, _ = key_pair()
    verdict, _ = await log_in("password", SshLogin(private_key=private, password=PASSWORD), b"another")
    assert verdict.passed


@pytest.mark.parametrize("method", ["password", "keyboard", "duo", ""])
async def test_a_refused_login_is_not_retried(method: str) -> None:
    with anyio.fail_after(5):
        verdict, node = await log_in(method, SshLogin(password=PASSWORD if method == "duo" else "wrong"))
    assert (verdict.outcome, len(verdict.attempts)) == ("login", 1)
    assert "does not accept the login of grader: check --ssh-key or --ssh-password" in verdict.why
    assert "second factor" in verdict.why
    assert node.cluster.command_lines == []


async def test_an_unknown_key_is_refused() -> None:
    verdict, _ = await log_in("", SshLogin(private_key=key_pair()[0]), key_pair()[1])
    assert (verdict.outcome, len(verdict.attempts)) == ("login", 1)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        pytest.param("[127.0.0.1]:{port}", "has another host key than the one in --known-hosts", id="changed"),
        pytest.param("login.example.edu", "is not in --known-hosts", id="unknown"),
        pytest.param("@revoked [127.0.0.1]:{port}", "is not in --known-hosts", id="revoked"),
    ],
)
async def test_a_node_with_an_unknown_host_key_is_refused_and_gets_no_command(place: str, why: str) -> None:
    other = key_pair()[1].decode()
    async with running(Cluster([passing])) as node:
        known = (
            f"{place.format(port=node.port)} {other if 'revoked' not in place else node.known_hosts.split(' ', 1)[1]}"
        )
        verdict = await Gate().run_on(node, attempts=3, known_hosts=known)
    assert (verdict.outcome, len(verdict.attempts)) == ("host key", 1)
    assert why in verdict.why
    assert node.cluster.command_lines == []


async def test_one_known_key_of_several_is_enough() -> None:
    async with running(Cluster([passing])) as node:
        several = f"[127.0.0.1]:{node.port} {key_pair()[1].decode()}{node.known_hosts}# a remark\n"
        assert (await Gate().run_on(node, known_hosts=several)).passed


async def test_a_node_that_cannot_be_reached_is_retried() -> None:
    async with running(Cluster([passing])) as node:
        pass
    verdict = await Gate().run_on(node, attempts=2)
    assert [attempt.outcome for attempt in verdict.attempts] == ["infrastructure"] * 2
    assert "Cannot connect to 127.0.0.1 (port " in verdict.why


async def test_a_silent_node_is_given_up() -> None:
    async with running(Cluster([passing])) as node:
        pass
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node.port = silent.getsockname()[1]
        with anyio.fail_after(3):
            verdict = await Gate().run_on(node, connect_limit=0.2)
    assert (verdict.outcome, "did not respond within" in verdict.why) == ("infrastructure", True)


@pytest.mark.parametrize(
    ("login", "known_hosts", "message"),
    [
        pytest.param(SshLogin(), "h ssh-ed25519 AAAA", "needs a login for 127.0.0.1", id="no secret"),
        pytest.param(SshLogin(password=PASSWORD), " \n", "needs the host key of 127.0.0.1", id="no known hosts"),
        pytest.param(SshLogin(password=PASSWORD), "@what h ssh-ed25519 AAAA", "cannot be read", id="known hosts"),
        pytest.param(SshLogin(private_key="ssh-ed25519 AAAA"), "h", "not of the .pub file", id="public key"),
        pytest.param(SshLogin(private_key=LOCKED), "h", "is protected by a passphrase", id="passphrase"),
    ],
)
async def test_secrets_that_cannot_be_used_are_refused_before_any_work(
    login: SshLogin, known_hosts: str, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        Node(Cluster(), port=22).client(login, known_hosts)


async def test_only_a_digest_is_tested() -> None:
    async with running(Cluster([passing])) as node:
        with pytest.raises(RequestError, match="has no digest"):
            await Gate().run_on(node, reference="docker.io/ucsdets/ml:stable")
        with pytest.raises(RequestError, match="--attempts is 0"):
            await Gate().run_on(node, attempts=0, reference=REFERENCE)
    assert node.cluster.connections == []
