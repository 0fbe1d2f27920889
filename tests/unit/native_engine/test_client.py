import os
from pathlib import Path

import pytest

from native_engine.client import client_environment, native_environment
from native_engine.errors import EngineError
from native_engine.settings import read_settings

RUNNER_HOST, CLI = "_EXPERIMENTAL_DAGGER_RUNNER_HOST", "_EXPERIMENTAL_DAGGER_CLI_BIN"


def command(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_named_engine_and_command_are_taken_as_they_are(tmp_path: Path) -> None:
    mine = str(command(tmp_path / "mine"))
    given = {RUNNER_HOST: "tcp://build:8080", CLI: mine, "PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "0"}
    quiet = {"DAGGER_NO_NAG": "1", "DAGGER_NO_UPDATE_CHECK": "1"}
    assert client_environment(given) == given | quiet


def test_a_command_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(EngineError, match=r"_EXPERIMENTAL_DAGGER_CLI_BIN=/none: there is no such command\."):
        client_environment({RUNNER_HOST: "tcp://build:8080", CLI: "/none"})


def test_a_container_runtime_that_answers_gets_the_pinned_command_of_path_and_its_own_display(tmp_path: Path) -> None:
    command(tmp_path / "docker", 'echo "$*" > "$(dirname "$0")/asked"; echo 29.0')
    dagger = command(tmp_path / "dagger", "echo dagger v0.21.8 linux/amd64")
    given = {"PATH": f"{tmp_path}:/usr/bin:/bin", "DAGGER_NATIVE_PREFIX": str(tmp_path / "none")}
    environment = client_environment(given)
    assert environment[CLI] == str(dagger)
    assert RUNNER_HOST not in environment
    assert "DAGGER_PROGRESS" not in environment
    assert (tmp_path / "asked").read_text().startswith("info")


def test_the_native_engines_clients_find_its_socket_and_command_and_a_display_that_works(tmp_path: Path) -> None:
    settings = read_settings({}, prefix=str(tmp_path))
    command(settings.cli)
    environment = native_environment({"PATH": "/usr/bin"}, settings)
    assert environment[RUNNER_HOST] == f"unix://{tmp_path}/engine.sock"
    assert environment[CLI] == f"{tmp_path}/bin/dagger"
    assert environment["PATH"].split(os.pathsep) == [f"{tmp_path}/bin", "/usr/bin"]
    assert environment["DAGGER_PROGRESS"] == "plain"
    assert native_environment(environment, settings) == environment, "a second time adds nothing"
    assert native_environment({"DAGGER_PROGRESS": "dots"}, settings)["DAGGER_PROGRESS"] == "dots"
