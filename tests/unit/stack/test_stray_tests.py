"""pytest files beside the folders of suites: they would never run, and the stack would get its tag."""

import pytest

from ci.errors import SpecError
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

BASE = {"images/x/Dockerfile": "FROM debian:12\n"}


def problems(*paths: str, toml: str = "", dockerfiles: tuple[str, ...] = ()) -> tuple[str, ...]:
    files = BASE | dict.fromkeys(paths, "") | dict.fromkeys(dockerfiles, "FROM debian:12\n")
    try:
        read_stack(MemoryTree(files | {"images/stack.toml": toml}))
    except SpecError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("path", "folder", "suite"),
    [
        ("images/x/tests/test_x.py", "images/x/tests", "images/x/tests/image"),
        ("images/x/tests/x_test.py", "images/x/tests", "images/x/tests/image"),
        ("images/x/tests/unit/test_x.py", "images/x/tests/unit", "images/x/tests/image"),
        ("images/x/tests/unit/deep/test_x.py", "images/x/tests/unit", "images/x/tests/image"),
        ("images/x/tests/images/test_x.py", "images/x/tests/images", "images/x/tests/image"),
        ("images/x/test/test_x.py", "images/x/test", "images/x/tests/image"),
        ("images/x/test/image/test_x.py", "images/x/test", "images/x/tests/image"),
        ("images/tests_common/test_x.py", "images/tests_common", "images/tests_common/image"),
        ("images/tests_common/any/test_x.py", "images/tests_common/any", "images/tests_common/image"),
        ("images/tests_common/tests/image/test_x.py", "images/tests_common/tests", "images/tests_common/image"),
    ],
)
def test_tests_that_would_never_run_are_a_problem_that_says_where_they_belong(
    path: str, folder: str, suite: str
) -> None:
    name = path.removeprefix(f"{folder}/")
    (problem,) = problems(path)
    pattern = f"{folder}/*.py" if f"{folder}/image" == suite else folder
    assert problem == (
        f"{folder}: 1 pytest file ({name}) is in no suite and would never run. Move it to {suite} (runs inside the "
        f"image) or {suite.removesuffix('image')}server (runs beside its server). What is no test of an image is "
        f'excluded in images/stack.toml: [tests] ignore = ["{pattern}"].'
    )
    assert problems(path, toml=f'[tests]\nignore = ["{pattern}"]\n') == ()


def test_the_files_of_a_folder_are_one_line_and_all_folders_are_reported() -> None:
    found = problems(
        *(f"images/x/tests/unit/test_{number}.py" for number in range(12)),
        "images/x/tests/test_y.py",
        "images/tests_common/test_z.py",
        "images/x/tests/image/test_good.py",
    )
    assert [problem.partition(" is in no suite")[0].partition(" are in no suite")[0] for problem in found] == [
        "images/tests_common: 1 pytest file (test_z.py)",
        "images/x/tests: 1 pytest file (test_y.py)",
        "images/x/tests/unit: 12 pytest files (test_0.py, test_1.py, test_10.py +9)",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "images/x/tests/image/test_x.py",
        "images/x/tests/server/deep/test_x.py",
        "images/x/tests/gpu/x_test.py",
        "images/tests_common/server/test_x.py",
        "images/x/tests/conftest.py",
        "images/x/tests/unit/helper.py",
        "images/x/tests/.hidden/test_x.py",
        "images/x/src/tests/test_x.py",
        "images/x/test_x.py",
        "images/x/tests/test_x.txt",
        "tests/test_x.py",
        "images/y/tests/test_x.py",
    ],
)
def test_other_files_are_none(path: str) -> None:
    assert problems(path) == ()


def test_files_of_another_image_are_its_own() -> None:
    folders = ("images/x/test/Dockerfile", "images/x/in/Dockerfile")
    assert problems("images/x/test/test_x.py", dockerfiles=folders) == ()
    (problem,) = problems("images/x/in/tests/test_x.py", dockerfiles=folders)
    assert "images/x/in/tests/image" in problem


def test_patterns_exclude_tests_that_are_no_suites() -> None:
    paths = ("images/x/tests/unit/test_x.py", "images/x/test/test_y.py")
    assert problems(*paths, toml='[tests]\nignore = ["images/x/tests/unit", "**/test"]\n') == ()
    assert len(problems(*paths, toml='[tests]\nignore = ["**/test"]\n')) == 1
    (problem,) = problems(toml='[tests]\nignore = ["images", "[x"]\n')
    assert problem.startswith("images/stack.toml: tests.ignore:2: invalid pattern '[x'.")


def test_tests_of_a_disabled_image_are_not_looked_at() -> None:
    toml = '[images.x]\nenabled = false\nreason = "old"\n'
    assert problems("images/x/tests/test_x.py", toml=toml, dockerfiles=("images/a/Dockerfile",)) == ()
