"""The module in one git repository and the stack in another: `dagger -m REPOSITORY@VERSION call`, as most users do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Call
from tests.e2e.git_server import git_server
from tests.integration.adapters.git.repository import Repository

# What no user needs of the module's repository.
OWN = ("images/", "tests/", "docs/", "benchmarks/", "native_engine/", ".github/", ".ci/")
FILES = {
    "images/base/Dockerfile": "FROM scratch\nCOPY a /\n",
    "images/base/a": "a",
    "images/web/Dockerfile": "FROM base\n",
}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the module, of a version, in a repository that has nothing but the module."""
    folder = tmp_path_factory.mktemp("hosted")
    tree = folder / "module"
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        if not name.startswith(OWN) and (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    repository = new_repository(tree)
    repository.git("tag", "v1.2.3")
    repository.git("clone", "--quiet", "--bare", str(tree), str(folder / "datahub.git"))
    with git_server(folder) as address:
        yield f"{address}/datahub.git@v1.2.3"


def new_repository(root: Path) -> Repository:
    root.mkdir(parents=True, exist_ok=True)
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "a maintainer")
    repository.git("config", "user.email", "maintainer@example.org")
    repository.commit()
    return repository


@pytest.fixture
def stack(tmp_path: Path) -> Repository:
    root = tmp_path / "stack"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return new_repository(root)


@pytest.mark.parametrize("words", [(), ("--source=.",)], ids=["the repository of the folder", "--source=."])
def test_the_stack_is_in_another_repository(call: Call, module: str, stack: Repository, words: tuple[str, ...]) -> None:
    done = call("-m", module, *words, "plan", cwd=stack.root)
    assert done.returncode == 0, done.stderr
    assert "2 images, 2 to build" in done.stdout
    stack.write("images/more/Dockerfile", "FROM base\n")
    assert "3 images, 3 to build" in call("-m", module, *words, "plan", cwd=stack.root).stdout


def test_a_call_from_a_folder_below_reads_the_whole_repository(call: Call, module: str, stack: Repository) -> None:
    stack.git("commit", "--quiet", "--allow-empty", "--message", "second")
    stack.write("images/base/a", "other")
    done = call("-m", module, "plan", cwd=stack.root / "images/web")
    assert done.returncode == 0, done.stderr
    assert "files changed: images/base/a" in done.stdout


def test_a_repository_without_a_stack_says_so(call: Call, module: str, tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "empty")
    done = call("-m", module, "plan", cwd=repository.root)
    assert done.returncode == 1
    assert "the source tree: no images found." in done.stderr
    assert "the repository in which the command runs, unless --source names another folder" in done.stderr
