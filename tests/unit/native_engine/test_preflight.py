from pathlib import Path

import pytest

from native_engine.binaries import go_version
from native_engine.preflight import debian_problem, go_problem, space_problem


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
def test_debian_12_and_newer_are_supported(os_release: str, name: str | None) -> None:
    problem = debian_problem(os_release)
    expected = f"The native engine needs Debian 12 or newer; this is {name}. Start a container runtime instead."
    assert problem == (name and expected)


@pytest.mark.parametrize(
    ("command", "version", "problem"),
    [
        ("/usr/bin/go", "go1.26.1", None),
        ("/usr/bin/go", "go1.27rc1", None),
        (
            "/usr/bin/go",
            "go1.19.8",
            "/usr/bin/go has version go1.19.8, too old for the engine: install Go 1.26.1 or newer.",
        ),
        ("/usr/bin/go", "", "/usr/bin/go has version unknown, too old for the engine: install Go 1.26.1 or newer."),
        (None, "", "go is not on PATH: install Go 1.26.1 or newer from https://go.dev/dl."),
    ],
)
def test_go_must_be_installed_and_new_enough(command: str | None, version: str, problem: str | None) -> None:
    assert go_problem(command, version) == problem


def test_go_versions_compare_as_numbers() -> None:
    assert go_version("go1.9.2") < go_version("go1.26") < go_version("go1.26.1")


def test_a_full_disk_is_reported_with_both_figures() -> None:
    assert space_problem(Path("/var"), 2 << 30, 2 << 30) is None
    assert space_problem(Path("/var"), 1 << 30, 5 << 29) == (
        "/var: 1.0 GiB free, 2.5 GiB needed: free some space, or set another folder."
    )
