"""Dockerfiles in the style of well-known stacks: long, continued, commented, with every kind of quote."""

from pathlib import Path

import pytest

from ci.dockerfile.parser import parse_dockerfile
from ci.fusion.fuse import fuse
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

FOLDER = Path(__file__).parent / "field"


@pytest.fixture(scope="module")
def stack() -> Stack:
    paths = [path for path in (FOLDER / "images").rglob("*") if path.is_file()]
    return read_stack(MemoryTree({str(path.relative_to(FOLDER)): path.read_bytes().decode() for path in paths}))


def test_the_images_and_their_dependencies(stack: Stack) -> None:
    assert {image.name: (image.parent, image.needs, image.foreign_bases) for image in stack.images} == {
        "foundation": (None, (), ("ubuntu:24.04",)),
        "minimal-notebook": ("foundation", ("foundation",), ()),
        "cuda-notebook": ("minimal-notebook", ("minimal-notebook",), ("nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04",)),
        "cuda12": ("cuda-notebook", ("cuda-notebook",), ()),
        "rstudio": ("foundation", ("foundation",), ("rocker/r-ver:24.04", "ghcr.io/astral-sh/uv:0.9")),
        "geo-notebook": ("minimal-notebook", ("minimal-notebook", "rstudio"), ()),
    }


@pytest.mark.parametrize("name", ["geo-notebook", "cuda12"])
def test_the_fused_text(stack: Stack, name: str) -> None:
    assert fuse(stack, name).text == (FOLDER / f"{name}.fused").read_bytes().decode()


def test_the_fused_text_has_the_commands_as_written(stack: Stack) -> None:
    """Compared as the parser joins them, with their heredocs."""
    for image in stack.images:
        parts = {part.name: part for part in stack.closure([image.name])}
        written = {
            (run.words, run.heredocs)
            for part in parts.values()
            for stage in part.stages
            for run in stage.body
            if run.keyword == "RUN"
        }
        fused = parse_dockerfile(fuse(stack, image.name).text, "fused")
        assert {(run.words, run.heredocs) for run in fused.instructions if run.keyword == "RUN"} == written
