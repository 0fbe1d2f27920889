import os
from pathlib import Path

import pytest

from native_engine.client import client_environment, native_environment, version_in
from native_engine.errors import EngineError
from native_engine.settings import Settings, read_settings

RUNNER_HOST, CLI = "_EXPERIMENTAL_DAGGER_RUNNER_HOST", "_EXPERIMENTAL_DAGGER_CLI_BIN"
BUILD_HOST = "tcp://build:8080"


def never(_settings: Settings) -> None:
    raise AssertionError("built the native engine although there is another one")


def command(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/false\n")
    path.chmod(0o755)
    return path


def test_a_configured_engine_and_command_are_used_as_they_are(tmp_path: Path) -> None:
    mine = str(command(tmp_path / "mine"))
    given = {RUNNER_HOST: BUILD_HOST, CLI: mine, "PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "0"}
    added = {"DAGGER_NO_NAG": "1", "DAGGER_NO_UPDATE_CHECK": "1", "DAGGER_PROGRESS": "logs"}
    assert client_environment(never, given) == given | added


def test_a_configured_command_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(EngineError, match=r"^_EXPERIMENTAL_DAGGER_CLI_BIN=/none: command not found\.$"):
        client_environment(never, {RUNNER_HOST: BUILD_HOST, CLI: "/none"})


def test_without_a_command_on_path_a_natively_built_one_is_used_before_a_downloaded_one(tmp_path: Path) -> None:
    downloaded = command(tmp_path / "cache" / "daggerw" / "dagger-0.21.8" / "dagger")
    given = {
        RUNNER_HOST: BUILD_HOST,
        "PATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "DAGGER_NATIVE_PREFIX": str(tmp_path / "prefix"),
    }
    assert client_environment(never, given)[CLI] == str(downloaded)
    built = command(tmp_path / "prefix" / "bin" / "dagger")
    assert client_environment(never, given)[CLI] == str(built)


def test_the_native_engines_clients_get_its_socket_and_command_and_a_display_that_works(tmp_path: Path) -> None:
    settings = read_settings({}, prefix=str(tmp_path))
    command(settings.cli)
    environment = native_environment({"PATH": "/usr/bin"}, settings)
    assert environment[RUNNER_HOST] == f"unix://{tmp_path}/engine.sock"
    assert environment[CLI] == f"{tmp_path}/bin/dagger"
    assert environment["PATH"].split(os.pathsep) == [f"{tmp_path}/bin", "/usr/bin"]
    assert environment["DAGGER_PROGRESS"] == "logs"
    assert native_environment(environment, settings) == environment, "a second time adds nothing"
    assert native_environment({"DAGGER_PROGRESS": "dots"}, settings)["DAGGER_PROGRESS"] == "dots"


def test_the_native_engine_uses_its_own_command_unless_another_is_configured(tmp_path: Path) -> None:
    settings = read_settings({}, prefix=str(tmp_path / "prefix"))
    on_path = str(command(tmp_path / "dagger"))
    assert native_environment({"PATH": str(tmp_path)}, settings)[CLI] == str(settings.cli)
    assert native_environment({"PATH": str(tmp_path), CLI: on_path}, settings)[CLI] == on_path


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("dagger v0.21.8 (image://registry.dagger.io/engine:v0.21.8) linux/amd64\n", "0.21.8"),
        ("usage: dagger COMMAND", ""),
        ("dagger", ""),
        ("", ""),
    ],
)
def test_the_version_is_read_from_the_output_of_the_command(output: str, version: str) -> None:
    assert version_in(output) == version
