import os
import socket
from pathlib import Path

import pytest

from native_engine.binaries import go_version
from native_engine.preflight import debian_problem, go_problem, owner_of_port, port_problem, space_problem
from native_engine.settings import read_settings


@pytest.mark.parametrize(
    ("os_release", "name"),
    [
        pytest.param('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n', None, id="bookworm"),
        pytest.param('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n', None, id="trixie"),
        pytest.param('PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\n', None, id="testing"),
        pytest.param(
            'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nVERSION_ID="11"\nID=debian\n',
            "Debian GNU/Linux 11 (bullseye)",
            id="too old",
        ),
        pytest.param(
            'PRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
            "Ubuntu 24.04 LTS",
            id="other",
        ),
        pytest.param("", "an unknown system", id="unknown"),
    ],
)
def test_debian_12_and_newer_will_do(os_release: str, name: str | None) -> None:
    problem = debian_problem(os_release)
    expected = f"The native engine needs Debian 12 or newer, and this is {name}: use a container runtime here."
    assert problem == (name and expected)


@pytest.mark.parametrize(
    ("command", "version", "problem"),
    [
        ("/usr/bin/go", "go1.26.1", None),
        ("/usr/bin/go", "go1.27rc1", None),
        ("/usr/bin/go", "go1.19.8", "/usr/bin/go is go1.19.8, too old for the engine: install Go 1.26.1 or newer."),
        ("/usr/bin/go", "", "/usr/bin/go is unknown, too old for the engine: install Go 1.26.1 or newer."),
        (None, "", "There is no go command on PATH: install Go 1.26.1 or newer from https://go.dev/dl."),
    ],
)
def test_go_must_be_there_and_new_enough(command: str | None, version: str, problem: str | None) -> None:
    assert go_problem(command, version) == problem


def test_go_versions_compare_as_numbers() -> None:
    assert go_version("go1.9.2") < go_version("go1.26") < go_version("go1.26.1")


def test_a_full_disk_is_told_with_both_figures() -> None:
    assert space_problem(Path("/var"), 2 << 30, 2 << 30) is None
    assert space_problem(Path("/var"), 1 << 30, 5 << 29) == (
        "/var: 1.0 GiB are free and 2.5 GiB needed: make room, or set another folder."
    )


def test_a_port_in_use_is_told_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = read_settings({"DAGGER_NATIVE_MIRROR_PORT": str(port)})
        owner = f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
        assert owner_of_port(port) == owner
        advice = "stop it, or give the mirror another port with DAGGER_NATIVE_MIRROR_PORT."
        assert port_problem(settings) == f"Port {port} is in use by {owner}: {advice}"
    assert port_problem(settings) is None
