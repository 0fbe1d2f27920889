"""Which changes build images anew: those of the running module's code that may alter images, and no others."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Call, run_call
from tests.e2e.module_copy import copy_module
from tests.e2e.notebook_stack import FILES, IMAGES, Operator, commit, new_operator
from tests.integration.adapters.git.repository import Repository
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import DebianRegistry

BUILT = dict.fromkeys(IMAGES, "built")
REUSED = dict.fromkeys(IMAGES, "reused")
VERSION = '[stack]\nversion = "2026.4"\n'


@pytest.fixture
def module(tmp_path: Path) -> Repository:
    """The module that the operator calls, which a test may change."""
    return copy_module(tmp_path / "module")


@pytest.fixture
def operator(
    tmp_path: Path,
    module: Repository,
    call: Call,  # noqa: ARG001 (the engine is up)
    debian: DebianRegistry,
    bridge: Bridge,
) -> Operator:
    def call_module(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return run_call("-m", module.root, *words)

    # Nothing of these is the module, but the stack has files of the same names.
    own = {".github/workflows/main.yml": "on: push\n", "ci/fusion/fuse.py": "", "dagger.json": "{}\n"}
    return new_operator(tmp_path, call_module, debian, bridge, {**FILES, "images/stack.toml": VERSION, **own})


def edit(module: Repository, name: str, old: str, new: str) -> None:
    path = module.root / name
    text = path.read_text()
    assert old in text, (name, old)
    path.write_text(text.replace(old, new))


def test_only_what_may_alter_an_image_builds_it(operator: Operator, module: Repository) -> None:
    assert operator.publish() == BUILT, operator.errors
    first = operator.stack(operator.tag)

    # Another word in a report, and lines of the stack that go into no image.
    edit(module, "ci/reports/text.py", "Already published", "There before")
    settings = f'{VERSION}source = "https://git.example/stack"\n[budget]\ngrow = "20 %"\n[tests]\nignore = ["tests"]\n'
    unrelated = ("images/README.md", "docs/x.md", ".github/workflows/tag.yml", "ci/fusion/fuse.py", "dagger.json")
    commit(operator.repository, {"images/stack.toml": settings, **dict.fromkeys(unrelated, "other\n")})
    assert operator.publish() == REUSED, operator.errors
    assert operator.stack(operator.tag) == first
    assert operator.publish() == REUSED, operator.errors
    assert "There before" in operator.printed
    assert " passed" not in operator.printed

    # Suites are judged by other code: the same images are tested again, once.
    edit(module, "ci/build/suite_verdict.py", "import msgspec\n", "import msgspec\n\n# another way to judge\n")
    assert operator.publish() == REUSED, operator.errors
    assert " passed" in operator.printed
    assert operator.stack(operator.tag) == first
    assert operator.publish() == REUSED, operator.errors
    assert " passed" not in operator.printed

    # Images are built by other code.
    edit(module, "ci/fusion/substitutions.py", "import msgspec\n", "import msgspec\n\n# another way to build\n")
    assert operator.run("plan").returncode == 0, operator.errors
    assert operator.printed.count("pipeline changed: the code that builds images") == len(IMAGES), operator.printed
    assert operator.publish() == BUILT, operator.errors
    second = operator.stack(operator.tag)
    assert not {*second.values()} & {*first.values()}
    assert operator.publish() == REUSED, operator.errors

    # The workflow that runs it all.
    commit(operator.repository, {".github/workflows/main.yml": "on: [push, pull_request]\n"})
    assert operator.publish() == BUILT, operator.errors
    assert operator.printed.count("stack files changed: .github/workflows/main.yml") == 1  # the others have the parent
