"""The options of a registry's login, as a workflow gives them that may have no secrets."""

import pytest

from tests.e2e.conftest import Call, MakeTree
from tests.e2e.stacks import FILES

REGISTRY = ("--registry", "localhost:1/me")


def test_an_empty_user_name_means_that_nobody_logs_in(
    call: Call, tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGISTRY_PASSWORD", raising=False)
    options = ("--registry-username", "", "--registry-password", "env:REGISTRY_PASSWORD")
    done = call("--source", tree(FILES), "plan", *REGISTRY, *options)
    assert done.returncode == 0, done.stderr
    assert "4 images, 4 to build" in done.stdout


def test_an_empty_password_is_an_error_that_names_the_option(
    call: Call, tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "\n")
    options = ("--registry-username", "bob", "--registry-password", "env:REGISTRY_PASSWORD")
    done = call("--source", tree(FILES), "plan", *REGISTRY, *options)
    assert done.returncode == 1
    assert "--registry-password is empty, but --registry-username is 'bob'" in done.stderr
