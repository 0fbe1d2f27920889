"""Neither the user's nor the repository's settings change what is read."""

import os
import subprocess
from pathlib import Path

import pytest

from ci.adapters.git.history import read_history
from tests.integration.adapters.git.repository import Repository


def test_a_folder_of_another_user_is_read(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit(c="1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("status")
    assert repository.changes() == (before, {"c"})


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"HOME": "{home}"}, id="home"),
        pytest.param({"XDG_CONFIG_HOME": "{home}/.config"}, id="XDG folder"),
        pytest.param({"GIT_CONFIG_GLOBAL": "{home}/.gitconfig"}, id="a file"),
        pytest.param(
            {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "core.excludesFile",
                "GIT_CONFIG_VALUE_0": "{home}/.config/git/ignore",
            },
            id="variables",
        ),
        pytest.param(
            {"GIT_CONFIG_PARAMETERS": "'core.excludesFile'='{home}/.config/git/ignore'"}, id="options of another git"
        ),
    ],
)
def test_no_user_configuration_is_read(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    ignore = tmp_path / ".config/git/ignore"
    ignore.parent.mkdir(parents=True)
    ignore.write_text("mine\n")
    (tmp_path / ".gitconfig").write_text(f"[core]\nexcludesFile = {ignore}\n")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", os.devnull)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    repository.write("mine")
    assert not repository.git("status", "--porcelain")
    assert read_history(repository.root).dirty


def test_no_command_of_the_repository_is_run(repository: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for setting in ("core.fsmonitor", "diff.external"):
        repository.git("config", setting, f"touch {ran}; true")
    hook = repository.root / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    ran.unlink(missing_ok=True)
    os.utime(repository.root / "a", (1, 1))
    read_history(repository.root)
    assert not ran.exists()
