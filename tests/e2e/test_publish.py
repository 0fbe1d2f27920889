"""Publishing as an operator does it: ./daggerw call build-stack --publish, to Debian's docker-registry."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import IMAGES, SUITE, Operator, commit, new_operator
from tests.integration.adapters.git.test_lfs import pointer, store
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import PASSWORD, DebianRegistry

BUILT = dict.fromkeys(IMAGES, "built")
REUSED = dict.fromkeys(IMAGES, "reused")
# Of requests without any content; the smallest layer here is larger.
_TALK = 100_000


@pytest.fixture
def operator(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Operator:
    return new_operator(tmp_path, call, debian, bridge)


def test_a_commit_costs_what_it_changed(operator: Operator) -> None:
    assert operator.publish() == BUILT, operator.errors
    first = operator.stack(operator.tag)
    assert set(first) == set(IMAGES)
    assert f"Published as {operator.name}/IMAGE:{operator.tag}" in operator.printed

    before, tags = operator.bridge.sent, operator.tags()
    assert operator.publish() == REUSED, operator.errors
    assert (operator.tags(), operator.bridge.sent - before < _TALK) == (tags, True)
    assert "Already published" in operator.printed

    commit(operator.repository, {"images/ml/Dockerfile": "FROM ds\nRUN echo other > /weights\n"})
    assert operator.publish() == {**REUSED, "ml": "built"}, operator.errors
    leaf = operator.stack(operator.tag)
    assert {image for image in IMAGES if leaf[image] != first[image]} == {"ml"}
    assert "files changed: images/ml/Dockerfile" in operator.printed

    commit(operator.repository, {"images/base/notes": "ignored", "README.md": "not of the stack"})
    assert operator.publish() == REUSED, operator.errors
    assert operator.stack(operator.tag) == leaf

    commit(operator.repository, {"images/base/tests/image/test_base.py": f"{SUITE}\n\ndef test_more():\n    pass\n"})
    assert operator.publish() == REUSED, operator.errors
    assert operator.printed.count("2 passed") == 3  # ml has one of its own, too
    assert "3 passed" in operator.printed
    assert operator.stack(operator.tag) == leaf
    assert operator.publish() == REUSED, operator.errors
    assert "2 passed" not in operator.printed

    commit(operator.repository, {"images/base/greeting": "good morning\n"})
    assert operator.publish() == BUILT, operator.errors
    assert not set(operator.stack(operator.tag).values()) & set(leaf.values())


def test_what_cannot_be_published_is_told_before_anything_is_built(operator: Operator) -> None:
    operator.repository.write("images/r/new")
    assert operator.run("build-stack", "--publish", "--only", "r").returncode == 1
    assert "Commit your changes: images/r/new." in operator.errors
    assert "--publish works on the whole stack: remove --only." in operator.errors
    commit(operator.repository, {})
    assert operator.run("build-stack", "--publish", "--test=false").returncode == 1
    assert "--publish requires tests" in operator.errors
    assert "ds-says" not in operator.errors
    assert operator.tags() == {}


def test_a_work_tree_without_its_repository_says_what_it_lacks(operator: Operator) -> None:
    root = operator.repository.root.with_name("second")
    operator.repository.git("worktree", "add", "--quiet", str(root), "HEAD")
    done = operator.call("--source", root, "build-stack", "--publish", *operator.registry)
    assert done.returncode == 1
    assert "the commit of the source tree is not known. The .git of the source tree is a file, as in a" in done.stderr
    assert (
        f"cannot be read (gitdir: {operator.repository.root}/.git/worktrees/second). Use a full clone." in done.stderr
    )


def ends_with(errors: str, text: str) -> bool:
    """Return whether an error ends so, whether or not the command puts the numbers of a trace behind it."""
    return re.search(rf"{re.escape(text)}(?: \[traceparent:\S+\])?\s*\Z", errors) is not None


def test_a_tree_of_git_lfs_is_clean(operator: Operator, tmp_path: Path) -> None:
    """With the program that its configuration requires nowhere in sight, and other commands there that are not run."""
    content = "weights\n" * 1000
    store(operator.repository, **{".gitattributes": "*.bin filter=lfs\n", "images/r/model.bin": pointer(content)})
    operator.repository.git("config", "filter.lfs.process", f"touch {tmp_path}/ran; no-such-git-lfs filter-process")
    operator.repository.git("config", "filter.lfs.required", "true")
    operator.repository.write("images/r/model.bin", content)
    assert operator.run("build-stack", "--publish", "--only", "r").returncode == 1
    # Nothing else forbids it.
    assert ends_with(operator.errors, "Cannot publish:\n  - --publish works on the whole stack: remove --only.")
    operator.repository.write("images/r/model.bin", f"{content}.")
    assert operator.run("build-stack", "--publish").returncode == 1
    assert ends_with(operator.errors, "Commit your changes: images/r/model.bin.")


def test_a_wrong_password_is_told_at_once_and_not_shown(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", f"{PASSWORD}-not")
    words = [word.replace("REGISTRY_PASSWORD", "WRONG_PASSWORD") for word in operator.registry]
    done = operator.call("--source", operator.repository.root, "build-stack", "--publish", *words)
    assert done.returncode == 1
    assert "does not accept the login of 'maintainer'" in done.stderr
    assert PASSWORD not in done.stderr
    assert "ds-says" not in done.stderr
