import re
from pathlib import Path

import pytest

from ci.errors import SpecError
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

PAGE = (Path(__file__).parents[3] / "docs" / "stack.md").read_text()
SNIPPETS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLE = next(snippet for snippet in SNIPPETS if "[variants.cuda]" in snippet)
PATTERNS = next(snippet for snippet in SNIPPETS if "[dockerfiles]" in snippet)
BASE = "FROM debian\nARG CUDA_VERSION\n"
NOTEBOOK = "FROM org/base:2026.4-stable\nARG PYTHON_VERSION\n"


def read(settings: str, **dockerfiles: str) -> Stack:
    files = {f"images/{name}/Dockerfile": text for name, text in dockerfiles.items()}
    return read_stack(MemoryTree({**files, "images/stack.toml": settings}))


def test_the_example_of_the_page_is_what_it_says() -> None:
    stack = read(EXAMPLE, base=BASE, notebook=NOTEBOOK, web="FROM base\n")
    assert {image.name: image.needs for image in stack.images if image.enabled} == {
        "base": (),
        "base-cuda12": (),
        "base-cuda13": (),
        "web": ("base",),
        "notebook-cuda12-py311": ("base-cuda12",),
        "notebook-cuda12-py312": ("base-cuda12",),
        "notebook-cuda13-py312": ("base-cuda13",),
    }
    assert stack.by_name["notebook-cuda13-py311"].disabled_reason == "no wheels for Python 3.11"
    assert stack.by_name["notebook-cuda12-py312"].build_args == {"PYTHON_VERSION": "3.12"}
    assert stack.by_name["base-cuda13"].build_args == {"CUDA_VERSION": "13.0"}
    assert stack.by_name["base"].build_args == {}


@pytest.mark.parametrize(
    ("form", "repository", "prefix"),
    [("repository", "notebook-cuda12-py311", ""), ("tag", "notebook", "cuda12-py311-")],
)
def test_variants_have_a_repository_of_their_own_or_tags_of_one(form: str, repository: str, prefix: str) -> None:
    stack = read(f'[stack]\nvariants-in = "{form}"\n{EXAMPLE}', base=BASE, notebook=NOTEBOOK)
    image = stack.by_name["notebook-cuda12-py311"]
    assert (image.repository, image.tag_prefix) == (repository, prefix)
    assert image.needs == ("base-cuda12",)


def test_each_line_of_the_page_names_what_its_comment_says() -> None:
    paths = {
        "jupyter/minimal/ubi9/Dockerfile.cpu": ["minimal"],
        "dockerfiles/r-ver_4.6.Dockerfile": ["r-ver-4.6"],
        "3.13/bookworm/Dockerfile": ["python-3.13-bookworm"],
        "src/go/.devcontainer/Dockerfile": ["go"],
        "Dockerfile": ["cpu", "gpu"],
        "base/Dockerfile": ["onyxia-base"],
    }
    lines = [line for line in PATTERNS.splitlines() if "{folder}" not in line]
    stack = read_stack(MemoryTree({**dict.fromkeys(paths, "FROM debian\n"), "stack.toml": "\n".join(lines)}))
    found: dict[str, list[str]] = {}
    for image in stack.images:
        found.setdefault(image.dockerfile_path, []).append(image.name)
    assert found == paths


def test_settings_of_a_variant_come_before_those_of_its_axis_and_these_before_those_of_the_image() -> None:
    text = (
        '[variants.v]\na = { A = "axis", B = "axis" }\n[images.x]\nvariants = ["v"]\nsize-budget = "1 GB"\n'
        'build-args = { A = "image", B = "image", C = "image" }\n[images.x-a]\nbuild-args = { A = "variant" }\n'
    )
    image = read(text, x="FROM debian\nARG A\nARG B\nARG C\n").by_name["x-a"]
    assert image.build_args == {"A": "variant", "B": "axis", "C": "image"}
    assert image.size_budget == 10**9


@pytest.mark.parametrize(
    ("settings", "dockerfiles", "problem"),
    [
        (
            '[variants.v]\na = { NO = "1" }\n[images.x]\nvariants = ["v"]\n',
            {"x": "FROM debian\n"},
            "images/stack.toml: variants: no ARG declares NO, in none of x-a.",
        ),
        (
            "[variants.v]\na = {}\n",
            {"x": "FROM debian\n"},
            'images/stack.toml: variants.v: no image has it. Write in its table: variants = ["v"]',
        ),
        (
            '[variants.v]\na = {}\nb = {}\n[images.x]\nvariants = ["v"]\n',
            {"x": "FROM debian\n", "y": "FROM x\n"},
            "images/y/Dockerfile:1: FROM x: no variant of x fits y: x-a, x-b. Write one of these; or, for",
        ),
        (
            '[variants.v]\na = {}\n[images.x]\nvariants = ["v"]\n',
            {"x": "FROM debian\n", "x-a": "FROM debian\n"},
            "images/x-a/Dockerfile, images/x/Dockerfile: several images would have one name (x-a).",
        ),
    ],
    ids=["an undeclared build arg", "an axis of no image", "no variant that fits", "the name of another image"],
)
def test_mistakes_are_said(settings: str, dockerfiles: dict[str, str], problem: str) -> None:
    with pytest.raises(SpecError) as error:
        read(settings, **dockerfiles)
    assert any(one.startswith(problem) for one in error.value.problems), error.value.problems
