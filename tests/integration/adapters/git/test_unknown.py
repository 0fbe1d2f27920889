"""Where git cannot tell what changed."""

from pathlib import Path

import pytest

from ci.adapters.git.history import read_history
from ci.planning.changes import Unknown
from tests.integration.adapters.git.repository import Repository, branch


def test_a_base_that_a_force_push_removed_is_unknown(repository: Repository) -> None:
    gone = "1" * 40
    assert repository.why(gone) == (
        f"Unknown base '{gone}': a force push removed it, or the clone is shallow. "
        f"Fetch it: git fetch --depth=1 origin {gone}"
    )


def test_the_first_commit_has_none_before_it(repository: Repository) -> None:
    short = repository.git("rev-parse", "--short=7", "HEAD")
    assert repository.why() == f"{short} is the first commit: there is no earlier one to compare with."
    found = read_history(repository.root)
    assert (found.commit, found.dirty) == (repository.git("rev-parse", "HEAD"), False)


def test_a_shallow_clone_of_one_commit_does_not_know_what_changed(repository: Repository) -> None:
    short = repository.commit(c="1")[:7]
    clone = repository.clone("--depth=1")
    assert clone.why() == (
        f"The clone is shallow: the commit before {short} is not in it. "
        "Fetch more history: git fetch --unshallow, or `fetch-depth: 0` in GitHub's checkout."
    )


def test_a_shallow_clone_that_ends_above_the_fork_does_not_know_either(repository: Repository) -> None:
    branch(repository)
    repository.git("checkout", "--quiet", "main")
    clone = repository.clone("--depth=2", "--no-single-branch", "--branch=topic")
    assert clone.why().startswith("The clone is shallow: the merge base with refs/remotes/origin/main is not in it.")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.git("init", "--quiet")
    found = read_history(tmp_path)
    assert (found.commit, found.dirty, repository.why()) == (None, True, "The repository has no commit yet.")


def test_a_folder_within_a_repository_is_not_a_repository(repository: Repository) -> None:
    repository.write("sub/x")
    assert read_history(repository.root / "sub").changes == Unknown(why="The source tree has no .git folder.")


def test_a_git_file_that_leads_nowhere_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    why = Repository(tmp_path).why()
    assert why == (
        "The .git of the source tree is a file, as in a work tree of `git worktree` or in a submodule; the repository "
        "that it refers to cannot be read (gitdir: /nowhere). Use a full clone."
    )


def test_a_broken_repository_is_unknown(repository: Repository) -> None:
    (repository.root / ".git/index").write_text("broken")
    why = repository.why()
    assert why.startswith("Git cannot read the history of the source tree: ")
    assert "index" in why


def test_a_machine_without_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert repository.why() == "The git command was not found: the base image of the module must have it."
