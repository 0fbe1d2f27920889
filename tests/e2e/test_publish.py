"""Publishing as an operator does it: ./daggerw call build-stack --publish, to Debian's docker-registry."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Call
from tests.e2e.notebook_stack import IMAGES, SUITE, Shop, commit, new_shop
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import PASSWORD, DebianRegistry

BUILT = dict.fromkeys(IMAGES, "built")
REUSED = dict.fromkeys(IMAGES, "reused")
# Of requests without any content; the smallest layer here is larger.
_TALK = 100_000


@pytest.fixture
def shop(tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge) -> Shop:
    return new_shop(tmp_path, call, debian, bridge)


def test_a_commit_costs_what_it_changed(shop: Shop) -> None:
    assert shop.publish() == BUILT, shop.errors
    first = shop.stack(shop.tag)
    assert set(first) == set(IMAGES)
    assert f"Published as {shop.name}/IMAGE:{shop.tag}" in shop.printed

    before, tags = shop.bridge.sent, shop.tags()
    assert shop.publish() == REUSED, shop.errors
    assert (shop.tags(), shop.bridge.sent - before < _TALK) == (tags, True)
    assert "Already published" in shop.printed

    commit(shop.repository, {"images/ml/Dockerfile": "FROM ds\nRUN echo other > /weights\n"})
    assert shop.publish() == {**REUSED, "ml": "built"}, shop.errors
    leaf = shop.stack(shop.tag)
    assert {image for image in IMAGES if leaf[image] != first[image]} == {"ml"}
    assert "files changed: images/ml/Dockerfile" in shop.printed

    commit(shop.repository, {"images/base/notes": "ignored", "README.md": "not of the stack"})
    assert shop.publish() == REUSED, shop.errors
    assert shop.stack(shop.tag) == leaf

    commit(shop.repository, {"images/base/tests/image/test_base.py": f"{SUITE}\n\ndef test_more():\n    pass\n"})
    assert shop.publish() == REUSED, shop.errors
    assert shop.printed.count("2 passed") == 3  # ml has one of its own, too
    assert "3 passed" in shop.printed
    assert shop.stack(shop.tag) == leaf
    assert shop.publish() == REUSED, shop.errors
    assert "2 passed" not in shop.printed

    commit(shop.repository, {"images/base/greeting": "good morning\n"})
    assert shop.publish() == BUILT, shop.errors
    assert not set(shop.stack(shop.tag).values()) & set(leaf.values())


def test_what_cannot_be_published_is_told_before_anything_is_built(shop: Shop) -> None:
    shop.repository.write("images/r/new")
    assert shop.run("build-stack", "--publish", "--only", "r").returncode == 1
    assert "commit what is changed" in shop.errors
    assert "A tag names a whole stack: --publish goes without --only." in shop.errors
    commit(shop.repository, {})
    assert shop.run("build-stack", "--publish", "--test=false").returncode == 1
    assert "What was not tested is not published" in shop.errors
    assert "ds-says" not in shop.errors
    assert shop.tags() == {}


def test_a_wrong_password_is_told_at_once_and_not_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", f"{PASSWORD}-not")
    words = [word.replace("REGISTRY_PASSWORD", "WRONG_PASSWORD") for word in shop.registry]
    done = shop.call("--source", shop.repository.root, "build-stack", "--publish", *words)
    assert done.returncode == 1
    assert "does not accept the login of 'maintainer'" in done.stderr
    assert PASSWORD not in done.stderr
    assert "ds-says" not in done.stderr
