import hashlib
import os
from pathlib import Path

import pytest

from ci.stack.model import EntryKind
from tests.folder_tree import FolderTree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "b/empty").mkdir(parents=True)
    (tmp_path / "b/run").write_text("#!/bin/sh\n")
    (tmp_path / "b/run").chmod(0o755)
    (tmp_path / "b-c").write_bytes(b"\xff")
    (tmp_path / "a").symlink_to("b/run")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "out").symlink_to("/usr")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_entries_are_all_that_a_context_can_contain_sorted(root: Path) -> None:
    assert list(FolderTree(root).entries.items()) == [
        ("a", EntryKind.LINK),
        ("b", EntryKind.FOLDER),
        ("b-c", EntryKind.FILE),
        ("b/empty", EntryKind.FOLDER),
        ("b/run", EntryKind.PROGRAM),
        ("gone", EntryKind.LINK),
        ("out", EntryKind.LINK),
    ]


def test_paths_are_the_readable_files(root: Path) -> None:
    tree = FolderTree(root)
    assert tree.paths == ("a", "b-c", "b/run")
    assert [tree.read(path) for path in tree.paths] == ["#!/bin/sh\n", "\ufffd", "#!/bin/sh\n"]


def test_a_digest_is_of_a_files_bytes_or_of_a_links_target(root: Path) -> None:
    tree = FolderTree(root)
    assert tree.digest("b-c") == hashlib.sha256(b"\xff").hexdigest()
    assert tree.digest("a") == hashlib.sha256(b"b/run").hexdigest()
    assert tree.digest("gone") == hashlib.sha256(b"nowhere").hexdigest()


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / name).write_text("x")
    tree = FolderTree(tmp_path)
    assert (list(tree.entries), tree.read(name)) == ([name], "x")


@pytest.mark.parametrize("is_file", [False, True], ids=["a repository", "another work tree of one"])
def test_the_git_folder_is_not_part_of_the_tree(tmp_path: Path, *, is_file: bool) -> None:
    """Every commit would change the keys of images whose context is the whole tree."""
    (tmp_path / "lib/.git").mkdir(parents=True)
    (tmp_path / ".gitignore").touch()
    if is_file:
        (tmp_path / ".git").write_text("gitdir: /elsewhere")
    else:
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git/HEAD").touch()
    tree = FolderTree(tmp_path)
    assert (list(tree.entries), tree.paths) == ([".gitignore", "lib", "lib/.git"], (".gitignore",))
    assert (tree.root / ".git").exists()
