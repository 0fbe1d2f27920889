"""Which paths differ, and what is not committed."""

import os
from collections.abc import Callable

import pytest

from ci.adapters.git.history import read_history
from tests.integration.adapters.git.repository import Repository


def test_a_rename_changes_where_it_came_from_and_where_it_went(repository: Repository) -> None:
    repository.write("images/ds/data", "a long text\n" * 50)
    before = repository.commit()
    (repository.root / "images/r").mkdir()
    repository.git("mv", "images/ds/data", "images/r/data")
    repository.commit()
    assert repository.changes() == (before, {"images/ds/data", "images/r/data"})


def test_a_deleted_file_and_a_changed_mode_are_changes(repository: Repository) -> None:
    (repository.root / "a").unlink()
    (repository.root / "b").chmod(0o755)
    repository.commit()
    assert repository.changes()[1] == {"a", "b"}


@pytest.mark.parametrize("name", ["a b", "a\nb", 'é"\t', "-x", "*", "caf\udce9", "\\", "a\r"])
def test_any_file_name_is_read(repository: Repository, name: str) -> None:
    repository.write(name, "x")
    repository.commit()
    assert repository.changes()[1] == {name}
    repository.write(f"u {name}")
    assert repository.changes()[1] == {name, f"u {name}"}


def test_a_dirty_work_tree_counts(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit(c="1")
    for path in ("a", "new/untracked", "staged", "x.log", "sub/y.log"):
        repository.write(path, "dirty")
    repository.git("add", "staged")
    (repository.root / "b").unlink()
    assert repository.changes() == (before, {"a", "b", "c", "new/untracked", "staged"})
    assert read_history(repository.root).dirty


@pytest.mark.parametrize(
    ("work", "dirty"),
    [
        pytest.param(lambda it: it.write("x.log"), False, id="an ignored file"),
        pytest.param(lambda it: os.utime(it.root / "a", (1, 1)), False, id="another timestamp"),
        pytest.param(lambda it: it.write("new"), True, id="an untracked file"),
        pytest.param(lambda it: it.write("a", "2"), True, id="a changed file"),
        pytest.param(lambda it: (it.write("new"), it.git("add", "new")), True, id="a staged file"),
        pytest.param(lambda it: it.git("rm", "--quiet", "a"), True, id="a staged removal"),
        pytest.param(lambda it: (it.root / "a").chmod(0o755), True, id="a mode"),
        pytest.param(lambda it: it.git("config", "status.showUntrackedFiles", "no"), False, id="a setting"),
    ],
)
def test_dirty_is_what_a_commit_would_contain(
    repository: Repository,
    work: Callable[[Repository], object],
    dirty: bool,  # noqa: FBT001
) -> None:
    repository.commit(c="1")
    work(repository)
    assert read_history(repository.root).dirty is dirty


def test_a_submodule_that_moved_is_a_path(repository: Repository) -> None:
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "sub")
    before = repository.commit()
    Repository(repository.root / "sub").commit(z="1")
    assert repository.changes(before) == (before, {"sub"})
