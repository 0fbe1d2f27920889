"""What git cannot tell."""

from pathlib import Path

import pytest

from ci.adapters.git import read_history
from ci.planning.changes import Unknown
from tests.integration.adapters.git.repository import Repository, branch


def test_a_force_push_leaves_a_base_that_is_not_there(repository: Repository) -> None:
    gone = "1" * 40
    assert repository.why(gone) == (
        f"The history here has no commit '{gone}' to compare with: a force push left it behind, or the clone is "
        f"shallow. Fetch it: git fetch --depth=1 origin {gone}"
    )


def test_the_first_commit_has_none_before_it(repository: Repository) -> None:
    short = repository.git("rev-parse", "--short=7", "HEAD")
    assert repository.why() == f"{short} is the first commit: there is none to compare it with."
    found = read_history(repository.root)
    assert (found.commit, found.dirty) == (repository.git("rev-parse", "HEAD"), False)


def test_a_shallow_clone_of_one_commit_does_not_know_what_changed(repository: Repository) -> None:
    short = repository.commit(c="1")[:7]
    clone = repository.clone("--depth=1")
    assert clone.why() == (
        f"The clone is shallow: the commit before {short} is not in it. "
        "Fetch more: git fetch --unshallow, or `fetch-depth: 0` in GitHub's checkout."
    )


def test_a_shallow_clone_that_ends_above_the_fork_does_not_know_either(repository: Repository) -> None:
    branch(repository)
    repository.git("checkout", "--quiet", "main")
    clone = repository.clone("--depth=2", "--no-single-branch", "--branch=topic")
    assert clone.why().startswith("The clone is shallow and does not reach to where refs/remotes/origin/main was left.")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.git("init", "--quiet")
    found = read_history(tmp_path)
    assert (found.commit, found.dirty, repository.why()) == (None, True, "There is no commit yet.")


def test_a_folder_within_a_repository_is_none(repository: Repository) -> None:
    repository.write("sub/x")
    assert read_history(repository.root / "sub").changes == Unknown(why="The source tree has no .git folder.")


def test_what_is_no_repository_is_told_in_gits_words(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    why = Repository(tmp_path).why()
    assert why == "Git cannot read the history of the source tree: fatal: not a git repository: /nowhere"


def test_a_broken_repository_is_unknown(repository: Repository) -> None:
    (repository.root / ".git/index").write_text("broken")
    why = repository.why()
    assert why.startswith("Git cannot read the history of the source tree: ")
    assert "index" in why


def test_a_machine_without_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert repository.why() == "There is no git command here: the base image of the module has to bring it."
