"""Trees of git-lfs, whose program is not here: with pointers or with the files themselves in the work tree."""

import hashlib
from pathlib import Path

import pytest

from ci.adapters.git.history import read_history
from tests.integration.adapters.git.repository import Repository

CONTENT = "weights\n" * 1000


def pointer(content: str) -> str:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content.encode())}\n"


def store(repository: Repository, **files: str) -> str:
    """Commit files as they are: pointers."""
    for path, text in files.items():
        repository.write(path, text)
    unfiltered = ("-c", "filter.lfs.process=", "-c", "filter.lfs.required=false")
    repository.git(*unfiltered, "add", "--all")
    repository.git(*unfiltered, "commit", "--quiet", "--message", "m")
    return repository.git("rev-parse", "HEAD")


def set_up(repository: Repository, *, local: bool) -> str:
    """Commit the pointer of `model.bin`, as git-lfs does; `local` is `git lfs install --local`."""
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    before = store(repository, **{".gitattributes": attributes, "model.bin": pointer(CONTENT), "e.bin": ""})
    if local:
        for key, words in (("clean", "clean -- %f"), ("smudge", "smudge -- %f"), ("process", "filter-process")):
            repository.git("config", f"filter.lfs.{key}", f"no-such-git-lfs {words}")
        repository.git("config", "filter.lfs.required", "true")
    return before


@pytest.fixture(params=[False, True], ids=["no filter configured", "a required filter"])
def before(request: pytest.FixtureRequest, repository: Repository) -> str:
    return set_up(repository, local=request.param)


def test_pointers_and_contents_are_clean(repository: Repository, before: str) -> None:
    assert not read_history(repository.root).dirty
    repository.write("model.bin", CONTENT)
    found = read_history(repository.root)
    assert (found.commit, found.dirty, found.filters) == (before, False, ())


def test_other_contents_are_dirty(repository: Repository, before: str) -> None:
    repository.write("model.bin", CONTENT.replace("weights", "heights", 1))
    assert read_history(repository.root).uncommitted == ("model.bin",)
    assert repository.changes(before) == (before, {"model.bin"})


def test_another_mode_is_dirty(repository: Repository, before: str) -> None:  # noqa: ARG001 (it sets up)
    repository.write("model.bin", CONTENT)
    (repository.root / "model.bin").chmod(0o755)
    assert read_history(repository.root).uncommitted == ("model.bin",)


def test_contents_of_a_pointer_without_the_attribute_are_dirty(repository: Repository, before: str) -> None:  # noqa: ARG001
    store(repository, **{"model.txt": pointer(CONTENT)})
    repository.write("model.txt", CONTENT)
    assert read_history(repository.root).uncommitted == ("model.txt",)


def test_a_new_pointer_since_the_base_is_a_change(repository: Repository, before: str) -> None:
    store(repository, **{"model.bin": pointer("new")})
    repository.write("model.bin", "new")
    assert repository.changes(before) == (before, {"model.bin"})
    assert not read_history(repository.root).dirty


def test_in_a_submodule(repository: Repository, before: str) -> None:  # noqa: ARG001
    outer = Repository(repository.root.with_name("outer"))
    outer.root.mkdir()
    outer.git("init", "--quiet", "--initial-branch=main")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "sub")
    outer.commit()
    outer.write("sub/model.bin", CONTENT)
    assert not read_history(outer.root).dirty
    outer.write("sub/model.bin", "other")
    assert read_history(outer.root).uncommitted == ("sub",)


def test_any_name(repository: Repository, before: str) -> None:  # noqa: ARG001
    for name in ("a\nb.bin", "caf\udce9.bin", "x=y .bin"):
        store(repository, **{name: pointer(CONTENT)})
        repository.write(name, CONTENT)
    assert not read_history(repository.root).dirty


def test_objects_named_by_sha256(tmp_path: Path) -> None:
    made = Repository(tmp_path / "modern")
    made.root.mkdir()
    made.git("init", "--quiet", "--object-format=sha256")
    set_up(made, local=True)
    made.write("model.bin", CONTENT)
    assert not read_history(made.root).dirty


def test_other_filters_are_named(repository: Repository) -> None:
    repository.git("config", "filter.nbstripout.clean", "nbstripout")
    assert read_history(repository.root).filters == ("nbstripout",)
