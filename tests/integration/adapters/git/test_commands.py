"""No command that a repository's configuration names is run, whatever kind of command it is."""

import os
from pathlib import Path

import pytest

from ci.adapters.git.history import read_history
from tests.integration.adapters.git.repository import Repository, branch


class Trap:
    """A command that leaves a file when it is run."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "ran"
        self.command = f"touch {self.mark}; cat"

    def set(self, repository: Repository) -> None:
        """Name the command in a repository's configuration, wherever git takes one, and make git look at its files."""
        for key in (
            "core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.askPass", "core.pager",
            "core.alternateRefsCommand", "credential.helper", "diff.external", "diff.evil.command",
            "diff.evil.textconv", "filter.evil.clean",
            "filter.evil.smudge", "filter.evil.process", "filter.a=b.clean", "filter.lfs.clean", "filter.lfs.process",
            "gpg.program", "pager.diff", "alias.diff", "submodule.sub.update", "uploadpack.packObjectsHook",
        ):  # fmt: skip
            repository.git(
                "config", key, f"!{self.command}" if key.startswith(("alias", "submodule")) else self.command
            )
        for name in ("evil", "a=b", "lfs"):
            repository.git("config", f"filter.{name}.required", "true")
        hooks = Path(repository.git("rev-parse", "--absolute-git-dir")) / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout"):
            (hooks / name).write_text(f"#!/bin/sh\n{self.command}\n")
            (hooks / name).chmod(0o755)
        for path in repository.root.iterdir():
            if path.is_file():
                os.utime(path, (1, 1))
        self.mark.unlink(missing_ok=True)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


@pytest.mark.parametrize("name", ["evil", "lfs", "a=b"])
def test_filters_and_all_else(repository: Repository, trap: Trap, name: str) -> None:
    left = branch(repository)
    head = repository.commit(**{".gitattributes": f"* filter={name} diff=evil\n"})
    trap.set(repository)
    found = read_history(repository.root)
    assert not trap.mark.exists()
    assert (found.commit, found.dirty) == (head, False)
    assert repository.changes() == (left, {"c", "d", ".gitattributes"})
    assert not trap.mark.exists()


def test_a_filter_in_a_file_that_the_configuration_includes(repository: Repository, tmp_path: Path, trap: Trap) -> None:
    repository.commit(**{".gitattributes": "* filter=evil\n"})
    (tmp_path / "more").write_text(f'[filter "evil"]\nclean = {trap.command}\nrequired\n')
    repository.git("config", "include.path", str(tmp_path / "more"))
    os.utime(repository.root / "a", (1, 1))
    assert not read_history(repository.root).dirty
    assert not trap.mark.exists()


def test_a_submodule_s_own_configuration(repository: Repository, trap: Trap) -> None:
    """Git would ask each submodule by a `git status` of its own, which no setting of the caller reaches."""
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "sub")
    sub = Repository(repository.root / "sub")
    sub.commit(**{".gitattributes": "* filter=evil\n"})
    before = repository.commit()
    trap.set(sub)
    assert not read_history(repository.root).dirty
    assert not trap.mark.exists()
    sub.write("a", "2")
    found = read_history(repository.root)
    assert (found.dirty, found.uncommitted) == (True, ("sub",))
    assert repository.changes(before) == (before, {"sub"})
    assert not trap.mark.exists()


def test_nested_submodules_and_strangers(repository: Repository) -> None:
    inner = Repository(repository.root.with_name("inner"))
    repository.git("clone", "--quiet", str(repository.root), str(inner.root))
    outer = Repository(repository.root.with_name("outer"))
    repository.git("clone", "--quiet", str(repository.root), str(outer.root))
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "in ner")
    outer.commit()
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    repository.git(*add, "add", str(outer.root), "out/er")
    repository.git(*add, "update", "--init", "--recursive")
    before = repository.commit()
    Repository(repository.root / "stranger.log").root.mkdir()
    Repository(repository.root / "stranger.log").git("init", "--quiet")
    assert not read_history(repository.root).dirty
    Repository(repository.root / "out/er/in ner").write("new")
    assert repository.changes(before) == (before, {"out/er"})
    Repository(repository.root).write("stranger.log/new")
    assert read_history(repository.root).uncommitted == ("out/er",)


def test_what_a_partial_clone_lacks_is_not_fetched(repository: Repository, trap: Trap) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = repository.clone("--filter=blob:none")
    clone.git("config", "remote.origin.url", f"ext::sh -c touch% {trap.mark}")
    clone.git("config", "protocol.ext.allow", "always")
    clone.git("rm", "--quiet", "--cached", "a")
    read_history(clone.root)
    read_history(clone.root, base="1" * 40)
    assert not trap.mark.exists()
