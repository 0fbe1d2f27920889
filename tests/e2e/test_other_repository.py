"""The module in one git repository and the stack in another: `dagger -m REPOSITORY@VERSION call`, as most users do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.git_server import git_server
from tests.e2e.module_copy import copy_module
from tests.e2e.stacks import write_tree
from tests.integration.adapters.git.repository import Repository

FILES = {
    "images/base/Dockerfile": "FROM scratch\nCOPY a /\n",
    "images/base/a": "a",
    "images/web/Dockerfile": "FROM base\n",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the module, of a version, in a repository that has nothing but the module."""
    repository = copy_module(tmp_path_factory.mktemp("checkout") / "module")
    repository.git("tag", "v1.2.3")
    return repository.root


@pytest.fixture(scope="module", params=["a path", "a git reference"])
def module(
    request: pytest.FixtureRequest,
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
    engine: None,  # noqa: ARG001 (where it is decides about the server)
) -> Iterator[str | Path]:
    """What `-m` gets: the checkout, or a version of its repository on a server."""
    if request.param == "a path":
        yield checkout
        return
    folder = tmp_path_factory.mktemp("hosted")
    Repository(checkout).git("clone", "--quiet", "--bare", ".", str(folder / "datahub.git"))
    with git_server(folder) as address:
        yield f"{address}/datahub.git@v1.2.3"


def new_repository(root: Path) -> Repository:
    repository = Repository.new(root)
    repository.commit()
    return repository


@pytest.fixture
def stack(tmp_path: Path) -> Repository:
    return new_repository(write_tree(tmp_path / "stack", FILES))


@pytest.mark.parametrize("words", [(), ("--source=.",)], ids=["the repository of the folder", "--source=."])
def test_the_stack_is_in_another_repository(
    call: Call, module: str | Path, stack: Repository, words: tuple[str, ...]
) -> None:
    done = call("-m", module, *words, "plan", cwd=stack.root)
    assert done.returncode == 0, done.stderr
    assert "2 images, 2 to build" in done.stdout
    stack.write("images/more/Dockerfile", "FROM base\n")
    assert "3 images, 3 to build" in call("-m", module, *words, "plan", cwd=stack.root).stdout


def test_a_call_from_a_folder_below_reads_the_whole_repository(call: Call, checkout: Path, stack: Repository) -> None:
    stack.git("commit", "--quiet", "--allow-empty", "--message", "second")
    stack.write("images/base/a", "other")
    done = call("-m", checkout, "plan", cwd=stack.root / "images/web")
    assert done.returncode == 0, done.stderr
    assert "files changed: images/base/a" in done.stdout


@pytest.mark.parametrize(
    "words", [("plan",), ("init",), ("image", "--name", "base"), ("history", "--tag", "1-stable")], ids=" ".join
)
def test_a_repository_without_a_stack_says_so_and_what_it_has(
    call: Call, checkout: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """The module's own images are not what is meant, whatever is called."""
    repository = new_repository(tmp_path / "empty")
    repository.commit(**{"README.md": "", "src/main.c": ""})
    done = call("-m", checkout, *words, cwd=repository.root)
    assert done.returncode == 1
    assert "no images found in the source tree (2 files; at its top: README.md, src/)." in done.stderr
    assert "the repository in which the command runs, unless --source names another folder" in done.stderr


def test_a_folder_without_a_repository_is_read_if_it_is_named(call: Call, checkout: Path, tmp_path: Path) -> None:
    """It might be a home folder, of which the engine would take a copy."""
    write_tree(tmp_path / "folder", FILES)
    done = call("-m", checkout, "plan", cwd=tmp_path / "folder")
    assert done.returncode == 1
    assert f"{tmp_path}/folder is in no git repository." in done.stderr
    assert "dagger call --source=. plan" in done.stderr
    done = call("-m", checkout, "--source=.", "plan", cwd=tmp_path / "folder")
    assert "2 images, 2 to build" in done.stdout, done.stderr


def test_a_work_tree_of_a_repository_is_one(call: Call, checkout: Path, stack: Repository) -> None:
    """Its .git is a file."""
    stack.git("worktree", "add", "--quiet", "../other")
    done = call("-m", checkout, "plan", cwd=stack.root.parent / "other/images")
    assert "2 images, 2 to build" in done.stdout, done.stderr
