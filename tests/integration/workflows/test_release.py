"""release.yml, pins.yml and check.yml, and the scripts that they call."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.adapters.git.repository import Repository
from tests.integration.workflows.harness import Answer, Ended, Runner

PROJECT = '[project]\nversion = "1.2.0"\n'
NOTES = "- Images may share a repository.\n- `plan` is quicker."
CHANGELOG = (
    f"# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n{NOTES}\n\n## [1.1.0] - 2026-11-01\n\n- Old.\n"
)
TAG = "refs/tags/v1.2.0"


def release(runner: Runner, *, project: str = PROJECT, changelog: str = CHANGELOG, **more: object) -> Ended:
    runner.repository.commit(**{"pyproject.toml": project, "CHANGELOG.md": changelog})
    return runner.run("push", "release.yml", **({"ref": TAG} | more))  # type: ignore[arg-type]  # options of run


def test_a_release_is_what_pyproject_and_the_changelog_say(runner: Runner) -> None:
    ended = release(runner)
    assert ended.code == 0, ended.raw
    assert ended.names == ["check", "gh release create"]
    assert ended.call("check").words == ["lint", "unit", "repo"]
    created = ended.call("gh release create")
    assert created.words[:6] == ["release", "create", "v1.2.0", "--verify-tag", "--title", "v1.2.0"]
    assert created.read == f"{NOTES}\n"


@pytest.mark.parametrize(
    ("ref", "project", "changelog", "said"),
    [
        ("refs/tags/v1.3.0", PROJECT, CHANGELOG, "The tag is v1.3.0, but the version in pyproject.toml is 1.2.0"),
        (TAG, PROJECT.replace("1.2.0", "1.3.0"), CHANGELOG, "The newest section of CHANGELOG.md is not 1.3.0"),
        (TAG, PROJECT, CHANGELOG.replace("[1.2.0]", "[1.2.1]"), "The newest section of CHANGELOG.md is not 1.2.0"),
        (TAG, PROJECT, CHANGELOG.replace("2026-12-01", "2026-13-01"), "2026-13-01 is not a day"),
        (TAG, PROJECT, CHANGELOG.replace(NOTES, ""), "the section of 1.2.0 is empty"),
        (TAG, PROJECT, CHANGELOG.replace("sed]\n", "sed]\n\n- More.\n", 1), "nothing may stand there"),
        (TAG, PROJECT, CHANGELOG.replace("## [Unreleased]\n", ""), "begins with ## [Unreleased]"),
    ],
    ids=["tag", "version", "section", "day", "empty", "unreleased", "no unreleased"],
)
def test_what_is_not_a_release_is_not_released(
    runner: Runner, ref: str, project: str, changelog: str, said: str
) -> None:
    ended = release(runner, project=project, changelog=changelog, ref=ref)
    assert (ended.code, ended.calls) == (1, [])
    assert any(said in command.message for command in ended.commands), ended.raw


def test_a_change_that_fails_its_checks_is_not_released(runner: Runner) -> None:
    ended = release(runner, answers={"check": Answer(code=1)})
    assert (ended.code, ended.names, ended.job("release")) == (1, ["check"], "skipped")


@pytest.mark.parametrize("code", [0, 1])
def test_check_runs_the_command_of_a_laptop(runner: Runner, code: int) -> None:
    ended = runner.run("pull_request", "check.yml", answers={"check": Answer(code=code)})
    assert (ended.code, ended.names, ended.call("check").words) == (code, ["check"], [])


@pytest.fixture
def origin(runner: Runner, tmp_path: Path) -> Repository:
    """The repository to which pins are pushed. Its update is one that needs nothing but the uv of the images."""
    bare = tmp_path / "origin.git"
    runner.repository.write("images/update-pins", '#!/bin/sh\n[ "$1" = --upgrade ] && uv --version > images/pins\n')
    runner.repository.commit(**{"images/pins": "uv 0\n"})
    subprocess.run(["git", "clone", "--quiet", "--bare", runner.repository.root, bare], check=True)
    runner.repository.git("remote", "add", "origin", str(bare))
    return Repository(bare)


def propose(runner: Runner, open_requests: str) -> Ended:
    return runner.run("schedule", "pins.yml", answers={"gh pr list": Answer(prints=open_requests)})


def test_newer_pins_become_one_pull_request(runner: Runner, origin: Repository) -> None:
    ended = propose(runner, "0\n")
    assert ended.code == 0, ended.raw
    assert ended.names == ["gh auth setup-git", "gh pr list", "gh pr create"]
    assert origin.git("show", "pins:images/pins").startswith("uv ")
    assert origin.git("diff", "--name-only", "main", "pins") == "images/pins"
    assert origin.git("log", "-1", "--format=%an %s", "pins") == "github-actions[bot] Update the pins of the images"
    again = propose(runner, "1\n")
    assert (again.code, again.names) == (0, ["gh auth setup-git", "gh pr list"])


def test_pins_that_are_up_to_date_are_left(runner: Runner, origin: Repository) -> None:
    runner.repository.commit(**{"images/update-pins": "#!/bin/sh\nuv --version\n"})
    ended = propose(runner, "0\n")
    assert (ended.code, ended.calls) == (0, [])
    assert origin.git("branch", "--list", "pins") == ""


def test_pins_that_cannot_be_resolved_are_red(runner: Runner, origin: Repository) -> None:
    runner.repository.commit(**{"images/update-pins": "#!/bin/sh\nexit 3\n"})
    ended = propose(runner, "0\n")
    assert (ended.code, ended.calls) == (1, [])
    assert origin.git("branch", "--list", "pins") == ""
