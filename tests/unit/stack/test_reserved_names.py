"""Words of ours that share a name space with the users' names: these win, or a sentence says why they cannot."""

import pytest

from ci.errors import RequestError, SpecError
from ci.stack.reader import read_stack
from ci.stack.reserved_names import check_tags
from tests.unit.trees import MemoryTree


def problems(files: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        read_stack(MemoryTree(files))
    return error.value.problems


def test_no_image_is_called_scratch() -> None:
    files = {"images/scratch/Dockerfile": "FROM debian:12\n", "images/a/Dockerfile": "FROM scratch\n"}
    assert problems(files) == (
        (
            "images/scratch/Dockerfile: an image cannot be called 'scratch': FROM scratch means the empty image. "
            "Rename it."
        ),
    )


def test_no_image_is_called_as_the_folder_of_the_common_suites() -> None:
    files = {
        "images/a/D": "FROM debian:12\n",
        "images/stack.toml": '[images.tests_common]\ndockerfile = "../a/D"\n',
        "images/tests_common/image/test_a.py": "",
    }
    (problem,) = problems(files)
    assert problem.startswith("images/a/D: an image cannot be called 'tests_common': this folder has ")


@pytest.mark.parametrize("name", ["common", "all", "image", "server", "gpu", "context", "epoch", "tests", "stack"])
def test_other_words_are_the_users(name: str) -> None:
    files = {
        "images/stack.toml": f'[images.{name}]\ndockerfile = "../x/D"\n',
        "images/x/D": "FROM debian:12\n",
        f"images/{name}/tests/image/test_a.py": "",
        "images/child/Dockerfile": f"FROM {name}\n",
        "images/tests_common/image/test_b.py": "",
    }
    stack = read_stack(MemoryTree(files))
    assert stack.by_name["child"].parent == name
    suites = stack.suites_of("child")
    assert len({suite.name for suite in suites}) == len({suite.file for suite in suites}) == 2


@pytest.mark.parametrize("version", ["k", "s", "sha256"])
def test_a_version_is_not_the_beginning_of_other_tags(version: str) -> None:
    files = {"images/a/Dockerfile": "FROM debian:12\n", "images/stack.toml": f'[stack]\nversion = "{version}"\n'}
    (problem,) = problems(files)
    assert problem.startswith(f"images/stack.toml: stack.version: {version!r} is reserved: tags that begin with ")
    assert read_stack(MemoryTree(files | {"images/stack.toml": f'[stack]\nversion = "{version}1"\n'})).version


@pytest.mark.parametrize("name", ["SUITE", "IMAGE_NAME", "IMAGE_SIZE_BUDGET", "IMAGE_URL", "PYTHONPATH"])
def test_a_server_gets_no_variable_that_runs_of_suites_set(name: str) -> None:
    table = f'[tests.server-environment]\n{name} = "x"\nTOKEN = "y"\n'
    files = {"images/a/Dockerfile": "FROM debian:12\n", "images/stack.toml": table}
    (problem,) = problems(files)
    assert problem.startswith(f"images/stack.toml: tests.server-environment.{name}: this variable is reserved: ")


@pytest.mark.parametrize("tag", ["epoch", "k-0123456789abcdef", "s-1", "sha256-1", "2026.4-stable.history"])
def test_a_promotion_writes_no_tag_that_means_something_else(tag: str) -> None:
    check_tags(["stable", "2026", "known"])
    with pytest.raises(RequestError, match="is reserved"):
        check_tags(["stable", tag])


@pytest.mark.parametrize(
    "line", ["ARG DATAHUB_EPOCH", "ARG A DATAHUB_EPOCH=1", "ENV A=1 DATAHUB_EPOCH=2", "ENV DATAHUB_EPOCH 2"]
)
def test_a_variable_of_a_dockerfile_does_not_hide_the_cache_epoch(line: str) -> None:
    (problem,) = problems({"images/a/Dockerfile": f"FROM debian:12\n{line}\n"})
    assert problem == (
        "images/a/Dockerfile:2: DATAHUB_EPOCH is reserved: it is what makes --refresh run every RUN again. Rename it."
    )


def test_other_variables_are_the_users() -> None:
    text = "FROM debian:12\nARG A=DATAHUB_EPOCH DATAHUB_EPOCHS\nENV B=$DATAHUB_EPOCH\n"
    assert read_stack(MemoryTree({"images/a/Dockerfile": text})).by_name["a"].enabled
