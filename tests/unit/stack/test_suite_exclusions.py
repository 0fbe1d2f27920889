import pytest

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.errors import SpecError
from ci.stack.reader import read_stack
from ci.stack.suite_exclusions import suite_exclusions
from tests.unit.trees import MemoryTree


@pytest.mark.parametrize(
    ("context", "patterns"),
    [
        pytest.param("images/a", ("b/tests", "tests"), id="its own, and those of an image in its folder"),
        pytest.param("images/a/b", ("tests",), id="its own"),
        pytest.param("images", ("a/b/tests", "a/tests", "ab/tests", "tests_common"), id="all below a folder"),
        pytest.param("images/a/src", (), id="none, if the tests are elsewhere"),
        pytest.param("images/a/tests", (), id="not within tests"),
        pytest.param("x", (r"\[y\]/\!z/tests",), id="special characters are escaped"),
    ],
)  # fmt: skip
def test_folders_of_tests_are_excluded_from_a_context(context: str, patterns: tuple[str, ...]) -> None:
    folders = ("images/a/b/tests", "images/a/tests", "images/ab/tests", "images/tests_common", "x/[y]/!z/tests")
    assert suite_exclusions(folders, context) == patterns


def test_a_folder_with_special_characters_is_matched_by_its_pattern() -> None:
    (pattern,) = suite_exclusions(("!a/[x]*?^/tests",), "")
    assert IgnorePatterns([pattern]).match("!a/[x]*?^/tests")


def problems(dockerfile: str, **files: str) -> tuple[str, ...]:
    tree = MemoryTree({"images/a/Dockerfile": dockerfile, **files})
    try:
        read_stack(tree)
    except SpecError as error:
        return error.problems
    return ()


SUITE = {"images/a/tests/image/x.py": ""}


@pytest.mark.parametrize("source", ["tests/image", "tests/image/", "./tests/image", "/tests/image/x.py"])
def test_a_copy_of_an_excluded_suite_is_a_problem(source: str) -> None:
    (problem,) = problems(f"FROM debian\nCOPY a {source} /there/\n", **SUITE)
    assert problem == (
        f"images/a/Dockerfile:2: COPY {source.strip('./')}: tests are excluded from the build "
        "context. To include them, write !tests/image in its .dockerignore."
    )


def test_a_folder_of_tests_that_is_not_a_suite_can_be_copied() -> None:
    assert problems("FROM debian\nCOPY tests /there/\n", **{"images/a/tests/x.py": ""}) == ()


@pytest.mark.parametrize(
    "dockerfile",
    [
        pytest.param("COPY . /all/", id="the whole context"),
        pytest.param("COPY tests.txt testsuite /there/", id="other names"),
        pytest.param("COPY --from=debian:12 tests /there/", id="those of an image"),
        pytest.param("COPY $WHAT/tests ${tests} /there/", id="variables"),
        pytest.param("ADD https://example.org/tests /there/", id="a URL"),
        pytest.param("COPY <<tests /there/\nx\ntests", id="a heredoc"),
    ],
)
def test_other_copies_are_no_problem(dockerfile: str) -> None:
    assert problems(f"FROM debian\n{dockerfile}\n") == ()


def test_a_dockerignore_can_include_tests() -> None:
    files = {"images/a/.dockerignore": "!tests/image\n", **SUITE}
    assert problems("FROM debian\nCOPY tests/image /there/\n", **files) == ()
    stack = read_stack(MemoryTree({"images/a/Dockerfile": "FROM debian\n", **files}))
    assert not IgnorePatterns(stack.images[0].ignore).match("tests/image/test_x.py")
