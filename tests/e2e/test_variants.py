"""A stack of variants, built, published and promoted: two of a parent, two of a child, and a plain one."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import PYTHON, SUITE, Operator, commit, new_operator
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import DebianRegistry

TOML = """\
[stack]
version = "2026.4"
variants-in = "tag"
rebuild-all = []

[variants.cuda]
cuda12 = { CUDA = "12.8" }
cuda13 = { CUDA = "13.0" }

[images.torch]
variants = ["cuda"]
plain = true

[images.lab]
variants = ["cuda"]
"""
FILES = {
    "images/stack.toml": TOML,
    "images/torch/Dockerfile": f"FROM debian:bookworm-slim\n{PYTHON}ARG CUDA=none\nRUN echo $CUDA >/cuda\n",
    "images/torch/tests/image/test_cuda.py": """\
import os
from pathlib import Path

def test_cuda():
    found = {"12.8": "cuda12", "13.0": "cuda13", "none": "torch"}[Path("/cuda").read_text().strip()]
    assert os.environ["IMAGE_NAME"].endswith(found)
""",
    "images/lab/Dockerfile": "FROM org/torch:2026.4-stable\nRUN cp /cuda /lab\n",
    "images/lab/tests/image/test_lab.py": SUITE,
}
IMAGES = ["lab-cuda12", "lab-cuda13", "torch", "torch-cuda12", "torch-cuda13"]


@pytest.fixture
def operator(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Operator:
    return new_operator(tmp_path, call, debian, bridge, FILES)


def of_stack(operator: Operator, ending: str) -> dict[str, str]:
    """Return the digests of tags with this ending, by REPOSITORY:TAG without it."""
    return {
        f"{image}:{tag.removesuffix(ending)}": digest
        for image, tags in operator.tags().items()
        for tag, digest in tags.items()
        if tag.endswith(ending)
    }


def test_variants_are_images_of_their_own_in_one_repository(operator: Operator) -> None:
    done = operator.run("build-stack", "--publish")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[-1] for line in done.stdout.splitlines() if line.endswith("built")]
    assert len(rows) == len(IMAGES)
    first = operator.tag
    published = of_stack(operator, first)
    assert set(published) == {"torch:", "torch:cuda12-", "torch:cuda13-", "lab:cuda12-", "lab:cuda13-"}
    assert len(set(published.values())) == len(IMAGES)

    commit(operator.repository, {"images/stack.toml": TOML.replace("13.0", "13.1"), **_with("13.1")})
    done = operator.run("build-stack", "--publish")
    assert done.returncode == 0, done.stderr
    second = of_stack(operator, operator.tag)
    changed = {name for name in published if second[name] != published[name]}
    assert changed == {"torch:cuda13-", "lab:cuda13-"}

    for tag, stack in ((first, published), (operator.tag, second)):
        done = operator.run("tag", "--tag", tag, "--accept-without-gpu", "no GPU here")
        assert done.returncode == 0, done.stderr
        assert of_stack(operator, "2026.4-stable") == stack
    done = operator.run("rollback", "--tag", "2026.4-stable")
    assert done.returncode == 0, done.stderr
    assert of_stack(operator, "2026.4-stable") == published
    assert operator.run("build-stack", "--publish").returncode == 0
    assert sum(line.endswith("reused") for line in operator.printed.splitlines()) == len(IMAGES)


def _with(version: str) -> dict[str, str]:
    path = "images/torch/tests/image/test_cuda.py"
    return {path: FILES[path].replace("13.0", version)}
