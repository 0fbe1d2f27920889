import pytest

from ci.errors import first_few
from ci.planning.changes import (
    Changed,
    Unknown,
    changed_files,
    changed_images,
    changed_stack_files,
    read_names,
)
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

STACK = read_stack(
    MemoryTree(
        {
            "images/a/Dockerfile": "FROM debian\n",
            "images/a/.dockerignore": "*.md\n!keep.md\n.dockerignore\n",
            "images/a/tests/image/test_x.py": "",
            "images/a/inner/Dockerfile": "FROM a\n",
            "images/ab/Dockerfile": "FROM debian\n",
            "images/ab/src/x": "",
            "images/old/Dockerfile": "FROM debian\n",
            "images/whole/Dockerfile": "FROM debian\n",
            "images/whole/Dockerfile.dockerignore": "*\n!docs\n",
            "images/stack.toml": '[images.ab]\ncontext = "src"\n[images.whole]\ncontext = "../.."\n'
            '[images.old]\nenabled = false\nreason = "old"\n',
        }
    )
)


def changed(*paths: str) -> Changed:
    return Changed(base="b", paths=tuple(sorted(paths)))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        pytest.param("images/a/x", {"a"}, id="a file of a context"),
        pytest.param("images/a/b/c/é x\n", {"a"}, id="with any name"),
        pytest.param("images/a/Dockerfile", {"a"}, id="a Dockerfile"),
        pytest.param("images/ab/Dockerfile", {"ab"}, id="a Dockerfile beside its context"),
        pytest.param("images/a/inner/x", {"a", "inner"}, id="a file of two contexts"),
        pytest.param("images/a/.dockerignore", {"a"}, id="what says what is ignored"),
        pytest.param("images/whole/Dockerfile.dockerignore", {"whole"}, id="the same for one Dockerfile"),
        pytest.param("images/ab/src/.dockerignore", {"ab"}, id="the same, new"),
        pytest.param("images/a/keep.md", {"a"}, id="an exception of what is ignored"),
        pytest.param("docs/x", {"whole"}, id="a file of a context that is the whole tree"),
        pytest.param("images/a", {"a", "inner"}, id="a submodule that is a context"),
        pytest.param("images", {"a", "ab", "inner"}, id="a submodule that holds contexts"),
        pytest.param("images/a/read.md", set(), id="an ignored file"),
        pytest.param("images/a/tests/image/test_x.py", set(), id="a test"),
        pytest.param("images/tests_common/image/test_x.py", set(), id="a test of all images"),
        pytest.param("images/ab/x", set(), id="a file beside a context"),
        pytest.param("images/a.txt", set(), id="a file whose name begins alike"),
        pytest.param("images/old/Dockerfile", set(), id="of a disabled image"),
        pytest.param("README.md", set(), id="of no image"),
    ],
)
def test_a_change_concerns_the_images_it_goes_into(path: str, names: set[str]) -> None:
    assert changed_files(STACK, changed(path)) == dict.fromkeys(names, (path,))
    assert changed_images(STACK, changed(path, "zzz")) == tuple(i.name for i in STACK.images if i.name in names)


def test_all_changed_files_of_an_image_are_found() -> None:
    paths = ("images/a/Dockerfile", "images/a/b", "images/a/inner/x", "images/a/z", "images/b")
    assert changed_files(STACK, changed(*paths))["a"] == paths[:4]


@pytest.mark.parametrize("path", [".github/workflows/main.yml", ".github/workflows/wide.yml"])
def test_files_of_the_stack_concern_all_images(path: str) -> None:
    assert changed_stack_files(STACK, changed(path, "README.md")) == (path,)
    assert changed_images(STACK, changed(path)) == ("a", "ab", "inner", "whole")


@pytest.mark.parametrize(
    "path",
    [
        *("ci/module.py", "ci/fusion/fuse.py", "dagger.json", "images/stack.toml", "images/README.md", "docs/stack.md"),
        *(
            ".github/workflows/tag.yml",
            ".github/workflows/build.yml",
            ".github/dependabot.yml",
            "x/.github/workflows/main.yml",
        ),
    ],
)
def test_other_files_do_not(path: str) -> None:
    assert changed_stack_files(STACK, changed(path)) == ()


def test_a_stack_names_such_files_itself() -> None:
    tree = {"images/a/Dockerfile": "FROM debian\n", "images/stack.toml": '[stack]\nrebuild-all = ["*.lock"]\n'}
    stack = read_stack(MemoryTree(tree))
    assert changed_stack_files(stack, changed(".github/workflows/main.yml", "uv.lock")) == ("uv.lock",)


def test_unknown_changes_concern_all_images() -> None:
    assert changed_images(STACK, Unknown(why="no git")) == ("a", "ab", "inner", "whole")


@pytest.mark.parametrize(
    ("output", "names"),
    [
        pytest.param(b"", set(), id="nothing"),
        pytest.param(b"a b\0c\nd\0\xc3\xa9\0", {"a b", "c\nd", "é"}, id="blanks, line breaks, letters"),
        pytest.param(b"caf\xe9\0", {"caf\udce9"}, id="bytes that are no text"),
        pytest.param(b"a\0a\0", {"a"}, id="twice"),
    ],
)
def test_names_are_cut_where_git_ends_them(output: bytes, names: set[str]) -> None:
    assert read_names(output) == names


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d", "e"], "a, b, c +2"),
        (["a\nb", "é", "\udce9"], r"a\nb, é, \udce9"),
    ],
)
def test_some_items_are_listed_on_one_line(items: list[str], text: str) -> None:
    assert first_few(items) == text
