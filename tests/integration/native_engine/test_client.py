"""The choice of engine and command, with scripts on PATH in place of `docker` and `dagger`."""

import os
import sys
from pathlib import Path

import pytest

from native_engine.client import client_environment
from native_engine.settings import Settings

RUNNER_HOST, CLI = "_EXPERIMENTAL_DAGGER_RUNNER_HOST", "_EXPERIMENTAL_DAGGER_CLI_BIN"
DOCKER = 'echo "$*" >> {calls}; echo 29.0'
PINNED, OTHER = "echo dagger v0.21.8 linux/amd64", "echo dagger v0.1.0 linux/amd64"


def command(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def never(_settings: Settings) -> None:
    raise AssertionError("built the native engine although there is another one")


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine whose programs are in tmp_path, and whose native engine is down."""
    return {
        "PATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "DAGGER_NATIVE_PREFIX": str(tmp_path / "prefix"),
    }


def test_a_configured_engine_is_used_without_asking_the_container_runtime(
    tmp_path: Path, given: dict[str, str]
) -> None:
    command(tmp_path / "docker", DOCKER.format(calls=tmp_path / "calls"))
    command(tmp_path / "dagger", PINNED)
    environment = client_environment(never, given | {RUNNER_HOST: "unix:///somewhere.sock"})
    assert environment[RUNNER_HOST] == "unix:///somewhere.sock"
    assert not (tmp_path / "calls").exists()


def test_a_container_runtime_that_answers_gets_the_pinned_command_of_path_and_its_own_display(
    tmp_path: Path, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path / "docker", DOCKER.format(calls=tmp_path / "calls"))
    dagger = command(tmp_path / "dagger", PINNED)
    command(tmp_path / "prefix" / "bin" / "dagger", PINNED)
    environment = client_environment(never, given)
    assert environment[CLI] == str(dagger)
    assert RUNNER_HOST not in environment
    assert environment["DAGGER_PROGRESS"] == "logs", "without a terminal"
    _, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stderr, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stderr)
        assert "DAGGER_PROGRESS" not in client_environment(never, given)
    assert (tmp_path / "calls").read_text().startswith("info")


@pytest.mark.parametrize("docker", [None, "exit 1", "exit 0"], ids=["not installed", "down", "no server version"])
def test_without_a_container_runtime_the_native_engine_is_brought_up(
    tmp_path: Path, given: dict[str, str], docker: str | None
) -> None:
    if docker:
        command(tmp_path / "docker", docker)
    command(tmp_path / "dagger", PINNED)
    brought_up: list[Settings] = []
    environment = client_environment(brought_up.append, given)
    assert [settings.prefix for settings in brought_up] == [tmp_path / "prefix"]
    assert environment[RUNNER_HOST] == f"unix://{tmp_path}/prefix/engine.sock"
    assert environment[CLI] == f"{tmp_path}/prefix/bin/dagger"


@pytest.mark.parametrize("script", [OTHER, "exit 1"], ids=["other version", "no version"])
def test_a_command_of_another_version_is_not_used(tmp_path: Path, given: dict[str, str], script: str) -> None:
    command(tmp_path / "docker", DOCKER.format(calls=tmp_path / "calls"))
    command(tmp_path / "dagger", script)
    downloaded = command(tmp_path / "cache" / "daggerw" / "dagger-0.21.8" / "dagger", PINNED)
    assert client_environment(never, given)[CLI] == str(downloaded)
    built = command(tmp_path / "prefix" / "bin" / "dagger", PINNED)
    assert client_environment(never, given)[CLI] == str(built)
