import pytest

from ci.stack.config import ImageTable, Settings
from ci.stack.discovery import discover
from ci.stack.dockerfile_patterns import Pattern
from ci.stack.image import Suite, SuiteKind
from ci.stack.paths import inside
from ci.stack.suites import common_suites, folders_with_files, own_suites


@pytest.mark.parametrize(
    ("paths", "images", "found"),
    [
        pytest.param(
            ["images/a/Dockerfile", "images/b/c/Dockerfile"], "images", ("images/a", "images/b/c"), id="depth"
        ),
        pytest.param(
            ["images/ml/Dockerfile", "images/ml/cuda12/Dockerfile"],
            "images",
            ("images/ml", "images/ml/cuda12"),
            id="one within another",
        ),
        pytest.param(
            ["images/a/tests/x/Dockerfile", "images/tests_common/Dockerfile", "images/.x/Dockerfile"],
            "images",
            (),
            id="tests and hidden folders",
        ),
        pytest.param(["images/a/node_modules/b/Dockerfile"], "images", (), id="packages"),
        pytest.param(["Dockerfile", "other/Dockerfile", "images2/Dockerfile"], "images", (), id="elsewhere"),
        pytest.param(["images/a/Dockerfile.gpu", "images/a/dockerfile"], "images", (), id="other names"),
        pytest.param(["images/base/Dockerfile"], "images/base", ("images/base",), id="the folder of one image"),
        pytest.param(["Dockerfile", "a/Dockerfile", ".git/x/Dockerfile"], "", ("a",), id="the whole tree"),
    ],
)
def test_images_are_folders_with_a_dockerfile(paths: list[str], images: str, found: tuple[str, ...]) -> None:
    assert {image.folder for image in discover(paths, images, Settings()).images} == set(found)


def test_a_table_with_another_dockerfile_makes_a_folder_an_image() -> None:
    tables = {"gpu": ImageTable(dockerfile="../a/Dockerfile"), "a": ImageTable(dockerfile="D"), "b": ImageTable()}
    found = discover(["images/x/a/Dockerfile"], "images", Settings(images=tables)).images
    assert {image.name.image: image.folder for image in found} == {"a": "images/x/a", "gpu": "images/gpu"}


@pytest.mark.parametrize(
    ("folder", "path", "joined"),
    [
        ("images/a", ".", "images/a"),
        ("images/a", "../..", ""),
        ("images/a", "../../..", ".."),
        ("images/a", "/etc", "/etc"),
        ("", "./images/", "images"),
    ],
)
def test_paths_are_joined_and_normalized(folder: str, path: str, joined: str) -> None:
    assert inside(folder, path) == joined


def test_suites_are_folders_with_a_file() -> None:
    folders = folders_with_files(
        [
            "images/tests_common/image/test_a.py",
            "images/tests_common/server/.gitkeep",
            "images/a/tests/gpu/deep/test_b.py",
            "images/a/tests/server/__pycache__/x.pyc",
            "images/a/tests/other/test_c.py",
        ]
    )
    assert common_suites(folders, "images", {"a"}) == (
        Suite(origin="common", kind=SuiteKind.IMAGE, folder="images/tests_common/image"),
    )
    (renamed,) = common_suites(folders, "images", {"a", "common"})
    assert renamed.name == "tests_common/image"
    assert own_suites(folders, "images/a", "a") == (Suite(origin="a", kind=SuiteKind.GPU, folder="images/a/tests/gpu"),)


def test_a_line_that_takes_no_file_is_known() -> None:
    lines = (Pattern(path="a/D", images=("x",)), Pattern(path="{name}/D", images=("{name}",)))
    assert discover(["b/D"], "", Settings(dockerfiles=lines)).unmatched == ("a/D",)
    assert discover(["a/D"], "", Settings(dockerfiles=lines)).unmatched == ("{name}/D",)
