"""Words of ours that share a name space with the users' names: these win, or a sentence says why they cannot."""

import pytest

from ci.errors import RequestError, SpecError
from ci.publish.tags import Place
from ci.stack.reader import read_stack
from ci.stack.reserved_names import check_tags, prefix_problems
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


def test_the_tags_of_a_variant_are_not_mistaken_for_others() -> None:
    assert [*prefix_problems({"a": "", "b": "cuda12-", "c": "k", "d": "2026-"}, "2026.4")] == []
    assert [*prefix_problems({"a": "k-", "b": "sha256-", "c": "cuda12-"}, "")] == [
        "a: its tags cannot begin with 'k-': such tags are images by their cache key. Rename the variant.",
        "b: its tags cannot begin with 'sha256-': such tags are what is attached to an image. Rename the variant.",
    ]
    (same,) = prefix_problems({"a": "", "b": "cuda12-"}, "cuda12")
    assert same.startswith("b: its tags begin with 'cuda12-', and so do those of stack.version 'cuda12': ")
    (beginning,) = prefix_problems({"b": "2026"}, "2026.4")
    assert beginning.startswith("b: its tags begin with '2026', ")


def test_the_tags_of_a_variant_are_not_too_long() -> None:
    """Of its tags, one with a whole commit is the longest."""
    longest = "x" * 79 + "-"
    assert [*prefix_problems({"a": longest}, "2026.04")] == []
    assert len(Place.parse(f"a.example/a:{longest}").tagged(f"2026.04-{'a' * 40}").tag) == 128
    (long,) = prefix_problems({"a": longest}, "2026.04.")
    assert long.endswith("have more than 87 characters together. Shorten one of them.")


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
