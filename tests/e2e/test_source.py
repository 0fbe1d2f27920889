"""A source tree that is listed in the engine is the one on disk."""

import os
from pathlib import Path

import pytest
from dagger import dag

from ci.adapters.dagger_engine import git as engine_git
from ci.adapters.dagger_engine.listing import MOST_BYTES
from ci.adapters.dagger_engine.source import SourceTree, list_tree
from ci.adapters.git.history import read_history
from ci.errors import SpecError
from ci.planning.cache_key import TreeDigests
from ci.stack.model import Tree
from ci.stack.reader import read_stack
from tests.e2e.conftest import MakeTree
from tests.folder_tree import FolderTree
from tests.integration.adapters.git.conftest import IDENTITY
from tests.integration.adapters.git.repository import Repository
from tests.integration.adapters.git.test_lfs import CONTENT, pointer

pytestmark = pytest.mark.anyio

NAMES = (
    b"a b", b"a\nb", b"caf\xe9", b"\xff\xfe", "é".encode(), b"-rf", b"  x  ", b"*?[", b"\\", b'"', b"'", b"$(x)",
    b"a\r", b"\t", b".hidden", b"Dockerfile", b".dockerignore", b"x.dockerignore", b"a  ./b",
)  # fmt: skip


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    root = tmp_path / "nasty"
    for folder in ("", "f o\nlder", "deep/er", "lib/.git", ".git/objects"):
        for name in NAMES:
            path = root / folder / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"content of \0 " + name)
    (root / "empty/inner").mkdir(parents=True)
    (root / "nothing").touch()
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    (root / "group only").write_text("x")
    (root / "group only").chmod(0o654)
    os.mkfifo(root / "pipe")
    links = {
        "link": "program", "to folder": "empty", "gone": "nowhere", "out": "/usr/bin/env", "up": "../../x",
        "loop": "loop", "odd": os.fsdecode(b"caf\xe9"), "two\nlines": "deep/er/a\nb", "by folder": "to folder/../link",
    }  # fmt: skip
    for link, target in links.items():
        (root / link).symlink_to(target)
    return root


async def listed(root: Path) -> SourceTree:
    return await list_tree(dag.host().directory(str(root), no_cache=True))


async def test_entries_and_digests_are_those_of_the_disk(session: None, nasty: Path) -> None:  # noqa: ARG001 (open)
    """Cache keys are made of them."""
    found, expected = await listed(nasty), FolderTree(nasty)
    assert list(found.entries.items()) == list(expected.entries.items())
    entries = [path for path, kind in expected.entries.items() if kind != "folder"]
    assert {path: found.digest(path) for path in entries} == {path: expected.digest(path) for path in entries}
    assert TreeDigests(found).context(".", ()) == TreeDigests(expected).context(".", ())
    # That of /usr/bin/env is a file here; what another link leads to outside is not known either.
    assert [path for path in found.paths if path != "up"] == list(expected.paths)


async def test_an_empty_tree(session: None, tmp_path: Path) -> None:  # noqa: ARG001
    found = await listed(tmp_path)
    assert (dict(found.entries), found.paths, found.git_file, found.repositories) == ({}, (), None, ())


async def test_any_file_can_be_read(session: None, nasty: Path) -> None:  # noqa: ARG001
    """Also those that did not come with the listing."""
    (nasty / "most").write_text("x" * MOST_BYTES)
    found, expected = await listed(nasty), FolderTree(nasty)
    readable = [path for path in found.paths if path not in ("out", "up")]

    def read(tree: Tree) -> dict[str, str]:
        return {path: tree.read(path) for path in readable}

    assert await found.read_by(read) == read(expected)


async def test_a_stack_is_read_from_files_of_any_name(session: None, tree: MakeTree) -> None:  # noqa: ARG001
    root = tree(
        {
            "images/a/build.txt": "FROM debian:bookworm-slim\n",
            "images/a/build.txt.dockerignore": "x\n",
            "images/b/build.txt": "FROM a\n",
            "images/stack.toml": '[images.a]\ndockerfile = "build.txt"\n[images.b]\ndockerfile = "build.txt"\n',
            "shared/Dockerfile": "FROM b\n",
            "shared/odd": "FROM c\n",
        }
    )
    for name, target in {"c": "../../shared/Dockerfile", "d": "../../shared/odd"}.items():
        (root / "images" / name).mkdir()
        (root / "images" / name / "Dockerfile").symlink_to(target)
    found = await listed(root)
    stack = await found.read_by(read_stack)
    assert stack == read_stack(FolderTree(root))
    assert [(image.name, image.needs) for image in stack.images] == [
        ("a", ()),
        ("b", ("a",)),
        ("c", ("b",)),
        ("d", ("c",)),
    ]


async def test_links_out_of_the_tree_are_refused_all_at_once(session: None, tree: MakeTree) -> None:  # noqa: ARG001
    root = tree({"images/a/x": "", "images/b/Dockerfile": "FROM scratch\n", "images/c/Dockerfile": "FROM scratch\n"})
    (root.parent / "outside").write_text("FROM debian\n")
    (root / "images/a/Dockerfile").symlink_to("../../../outside")
    (root / "images/b/.dockerignore").symlink_to("/etc/passwd")
    (root / "images/stack.toml").symlink_to("c/more")
    (root / "images/c/more").symlink_to("/nowhere")
    (root / "images/c/Dockerfile").write_text("x" * (MOST_BYTES + 1))
    with pytest.raises(SpecError) as error:
        await (await listed(root)).read_by(read_stack)
    advice = "outside of the source tree. Replace it by the file itself, or by a link within the tree."
    assert error.value.problems == (
        f"images/stack.toml is images/c/more, a link to /nowhere, {advice}",
        f"images/a/Dockerfile is a link to ../../../outside, {advice}",
        f"images/b/.dockerignore is a link to /etc/passwd, {advice}",
        "images/c/Dockerfile has 1048577 bytes. A file that a stack is read from may have 1048576.",
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}.items():
        monkeypatch.setenv(name, value)
    made = Repository(tmp_path / "repository")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit(**{"a": "1", ".gitattributes": "*.bin filter=lfs\n", "model.bin": pointer(CONTENT), "caf\udce9": "x"})
    return made


async def test_git_in_the_engine_finds_what_git_here_finds(
    session: None,  # noqa: ARG001
    repository: Repository,
) -> None:
    git = dag.host().file("/usr/bin/git")

    async def is_same(base: str = "", head: str = "") -> None:
        source = dag.host().directory(str(repository.root), no_cache=True)
        found = await engine_git.read_history(source, await list_tree(source), git, base, head)
        assert found == read_history(repository.root, base, head)

    first = repository.git("rev-parse", "HEAD")
    await is_same()
    repository.commit(b="2")
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository.root), "s 'ub")
    repository.commit(c="2")
    repository.write("model.bin", CONTENT)
    await is_same()
    await is_same(base=first)
    await is_same(base="1" * 40)
    repository.write("s 'ub/new \udce9")
    repository.write("caf\udce9", "changed")
    repository.write("new 'file'\n")
    await is_same(base=first)
    await is_same(head="HEAD~1")
    assert read_history(repository.root).uncommitted == ("caf\udce9", "new 'file'\n", "s 'ub")
