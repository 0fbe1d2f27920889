"""Passwords and keys go to the login node alone, and not in a command line."""

import logging
import traceback
from collections.abc import Iterator

import asyncssh
import msgspec
import pytest

from ci.adapters.ssh import SshLogin
from ci.errors import RequestError
from tests.integration.gpu_gate.launcher_scenarios import (
    echoing_the_command_line,
    losing_the_connection,
    passing,
    printing,
)
from tests.integration.gpu_gate.operator import Gate
from tests.integration.gpu_gate.ssh_server import PASSWORD, Cluster, Node, Scenario, running

pytestmark = pytest.mark.anyio

KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE = KEY.export_private_key().decode()
LOGIN = SshLogin(private_key=PRIVATE, password=PASSWORD)
# The first lines of a key's text are the same for all keys.
SECRETS = {PASSWORD, *(line for line in PRIVATE.splitlines()[2:-1] if line)}


def found(text: str) -> set[str]:
    return {secret for secret in SECRETS if secret in text}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log of all libraries, with asyncssh's details."""
    caplog.set_level(logging.DEBUG)
    asyncssh.set_log_level(logging.DEBUG)
    asyncssh.set_debug_level(2)
    yield caplog
    asyncssh.set_debug_level(1)
    asyncssh.set_log_level(logging.NOTSET)


@pytest.mark.parametrize(
    ("scenario", "method", "outcome"),
    [
        pytest.param(passing, "password", "passed", id="password"),
        pytest.param(passing, "keyboard", "passed", id="keyboard"),
        pytest.param(echoing_the_command_line, "password", "infrastructure", id="echoed"),
        pytest.param(losing_the_connection, "password", "infrastructure", id="lost"),
        pytest.param(printing("Pod creation failed\n", 1), "password", "infrastructure", id="no pod"),
        pytest.param(passing, "duo", "login", id="second factor"),
        pytest.param(passing, "", "login", id="refused"),
    ],
)
async def test_no_secret_is_shown(scenario: Scenario, method: str, outcome: str, log: pytest.LogCaptureFixture) -> None:
    gate, cluster = Gate(), Cluster([scenario])
    async with running(cluster, method) as node:
        verdict = await gate.run_on(node, login=LOGIN)
    assert verdict.outcome == outcome
    assert "Beginning auth for user grader" in log.text  # the details are there to be searched
    written = msgspec.json.encode(verdict).decode()
    assert found("\n".join([written, repr(verdict), *gate.log, log.text, *cluster.command_lines])) == set()


async def test_no_secret_is_in_errors(log: pytest.LogCaptureFixture) -> None:
    shown = [repr(LOGIN), str(LOGIN), repr([LOGIN])]
    async with running(Cluster([passing])) as node:
        client = node.client(LOGIN)
        shown.append(repr(client))
        for host in ("nobody.invalid", "127.0.0.1"):
            stranger = msgspec.structs.replace(node.settings(), host=host, port=node.port + (host == "127.0.0.1"))
            other = type(client)(stranger, LOGIN, node.known_hosts)
            with pytest.raises(Exception, match="Cannot connect to") as raised:
                async with other.connect(2):
                    pass
            shown.extend(traceback.format_exception(raised.value))
    shown.append(log.text)
    assert found("\n".join(shown)) == set()


@pytest.mark.parametrize(
    "key", [PRIVATE[:200], PRIVATE.replace("\n", " "), f"x{PRIVATE}"], ids=["cut", "one line", "x"]
)
def test_a_key_that_cannot_be_read_is_not_quoted(key: str) -> None:
    with pytest.raises(RequestError) as raised:
        Node(Cluster(), port=22).client(SshLogin(private_key=key), "h ssh-ed25519 AAAA")
    assert found("".join(traceback.format_exception(raised.value))) == set()
