"""What the head is compared with."""

from pathlib import Path

import pytest

from ci.adapters.git.history import read_history
from ci.errors import RequestError
from tests.integration.adapters.git.repository import Repository, branch


def test_a_branch_is_compared_with_its_merge_base_with_the_default_branch(repository: Repository) -> None:
    left = branch(repository)
    assert repository.changes() == (left, {"c", "d"})
    found = read_history(repository.root)
    assert (found.commit, found.dirty) == (repository.git("rev-parse", "HEAD"), False)


def test_a_folder_may_be_given_by_a_relative_path(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    left = branch(repository)
    monkeypatch.chdir(repository.root.parent)
    assert Repository(Path(repository.root.name)).changes() == (left, {"c", "d"})


def test_the_default_branch_is_compared_with_the_commit_before(repository: Repository) -> None:
    before = repository.commit(c="1")
    repository.commit(d="1")
    assert repository.changes() == (before, {"d"})


@pytest.mark.parametrize("forgotten", [(), ("remote", "set-head", "origin", "--delete")], ids=["clone", "checkout"])
def test_commits_that_are_not_pushed_count_together(repository: Repository, forgotten: tuple[str, ...]) -> None:
    clone = repository.clone()
    if forgotten:
        clone.git(*forgotten)
    pushed = clone.git("rev-parse", "HEAD")
    clone.commit(c="1")
    clone.commit(d="1")
    assert clone.changes() == (pushed, {"c", "d"})


def test_a_default_branch_of_any_name_is_known_from_a_clone(repository: Repository) -> None:
    repository.git("branch", "--move", "trunk")
    clone = repository.clone()
    left = branch(clone)
    assert clone.changes() == (left, {"c", "d"})


def test_where_no_default_branch_is_known_the_commit_before_counts(repository: Repository) -> None:
    repository.git("branch", "--move", "trunk")
    before = repository.commit(c="1")
    repository.commit(d="1")
    assert repository.changes() == (before, {"d"})


def test_a_merge_is_compared_with_what_was_merged_into(repository: Repository) -> None:
    branch(repository)
    repository.git("checkout", "--quiet", "main")
    before = repository.git("rev-parse", "HEAD")
    repository.git("merge", "--quiet", "--no-ff", "--message", "m", "topic")
    assert repository.changes() == (before, {"c", "d"})


def test_a_head_on_no_branch(repository: Repository) -> None:
    left = branch(repository)
    repository.git("checkout", "--quiet", "--detach")
    assert repository.changes() == (left, {"c", "d"})


def test_a_merge_that_a_shallow_clone_ends_at_is_compared_with_its_first_parent(repository: Repository) -> None:
    """This is what a checkout of a pull request with `fetch-depth: 2` looks like."""
    branch(repository)
    repository.git("checkout", "--quiet", "--detach", "main")
    before = repository.git("rev-parse", "HEAD")
    repository.git("merge", "--quiet", "--no-ff", "--message", "m", "topic")
    repository.git("branch", "pull")
    clone = Repository(repository.root.with_name("checkout"))
    repository.git("init", "--quiet", str(clone.root))
    clone.git("fetch", "--quiet", "--depth=2", f"file://{repository.root}", "pull")
    clone.git("checkout", "--quiet", "FETCH_HEAD")
    assert clone.changes() == (before, {"c", "d"})


def test_a_given_base_covers_all_commits_of_a_push(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit(c="1")
    repository.commit(d="1")
    assert repository.changes(before) == (before, {"c", "d"})
    assert repository.changes(before[:9]) == (before, {"c", "d"})
    assert repository.changes("main~1") == (repository.git("rev-parse", "main~1"), {"d"})


def test_later_commits_on_a_given_base_are_no_changes(repository: Repository) -> None:
    left = branch(repository)
    assert repository.changes("main") == (left, {"c", "d"})


def test_a_base_of_zeros_counts_as_none(repository: Repository) -> None:
    left = branch(repository)
    assert repository.changes("0" * 40) == (left, {"c", "d"})


def test_a_base_that_was_fetched_alone_is_compared_as_it_is(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit(c="1")
    repository.commit(b="2")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = repository.clone("--depth=1")
    assert clone.why(before).startswith(f"Unknown base '{before}': ")
    clone.git("fetch", "--quiet", "--depth=1", "origin", before)
    assert clone.changes(before) == (before, {"b", "c"})


def test_the_head_can_be_given(repository: Repository) -> None:
    left = branch(repository)
    repository.write("a", "dirty")
    assert repository.changes(head="topic~1") == (left, {"c"})
    found = read_history(repository.root, head="topic~1")
    assert (found.commit, found.dirty) == (repository.git("rev-parse", "topic~1"), True)


@pytest.mark.parametrize("head", ["nothing", "1" * 40, "main:a", "--all", "--abbrev-ref=x"])
def test_an_unknown_head_is_an_error(repository: Repository, head: str) -> None:
    with pytest.raises(RequestError) as error:
        read_history(repository.root, head=head)
    assert str(error.value) == (f"Unknown head '{head}': give a commit, branch or tag of this repository.")


def test_branches_with_nothing_in_common_are_compared_with_the_commit_before(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    before = repository.commit(c="1")
    repository.commit(d="1")
    assert repository.changes() == (before, {"d"})


def test_a_work_tree_of_another_repository(repository: Repository) -> None:
    left = branch(repository)
    root = repository.root.with_name("second")
    repository.git("worktree", "add", "--quiet", "-b", "more", str(root), "topic")
    assert Repository(root).changes() == (left, {"c", "d"})
