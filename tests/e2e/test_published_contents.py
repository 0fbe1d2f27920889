"""What is in published stacks, from the registry alone; and an image that has to be fetched reads alike."""

import json
import shutil
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Call
from tests.e2e.crash_proxy import serving
from tests.e2e.layer_guard import LayerGuard, layers_of
from tests.e2e.notebook_stack import FILES, IMAGES, Operator, commit, new_operator
from tests.integration.adapters.oci.debian import DebianRegistry

STABLE = "2026.4-stable"
SITE = "/opt/venv/lib/python3.11/site-packages"


def metadata(name: str, version: str) -> dict[str, str]:
    return {f"images/base/{name}/METADATA": f"Name: {name}\nVersion: {version}\n"}


BASE = FILES["images/base/Dockerfile"].replace("COPY", f"COPY numpy {SITE}/numpy-1.dist-info\nCOPY", 1)
FIRST = {**FILES, "images/base/Dockerfile": BASE, **metadata("numpy", "2.0.1")}
SECOND = {
    **metadata("numpy", "2.1.0"),
    "images/r/Dockerfile": f"{FILES['images/r/Dockerfile']}COPY polars {SITE}/polars-1.dist-info\n",
    "images/r/polars/METADATA": "Name: polars\nVersion: 1.2\n",
}


class Published(Operator):
    """An operator with two published stacks, the first of them stable, whose registry gives no layer away."""

    first: str
    second: str

    def read(self, function: str, *words: str) -> str:
        """Return what a function prints that reads records alone. The engine, which built the images, has layers."""
        done = self.run(function, *words)
        assert done.returncode == 0, done.stderr
        assert "Fetching" not in done.stderr
        return done.stdout

    def json(self, function: str, *words: str) -> Any:  # noqa: ANN401 (any JSON)
        return json.loads(self.read(function, *words, "--as-json"))

    def layers(self) -> set[str]:
        stacks = [self.stack(self.first), self.stack(self.second)]
        return {layer for one in stacks for digest in one.values() for layer in layers_of(self.debian.storage, digest)}


@pytest.fixture(scope="module")
def guard(debian: DebianRegistry) -> Iterator[LayerGuard]:
    with serving(LayerGuard(debian.host, debian.ca)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory, call: Call, debian: DebianRegistry, guard: LayerGuard
) -> Published:
    folder = tmp_path_factory.mktemp("contents")
    operator = Published(new_operator(folder, call, debian, guard, FIRST).repository, call, debian, guard)
    assert operator.publish() == dict.fromkeys(IMAGES, "built"), operator.errors
    operator.first = operator.tag
    done = operator.run("tag", "--tag", operator.first, "--accept-without-gpu", "this stack has no GPU")
    assert done.returncode == 0, done.stderr
    commit(operator.repository, SECOND)
    assert operator.publish() == dict.fromkeys(IMAGES, "built"), operator.errors
    operator.second = operator.tag
    return operator


@pytest.fixture
def closed(published: Published, guard: LayerGuard) -> Iterator[LayerGuard]:
    """Refuse all layers of both stacks."""
    guard.close(published.layers())
    yield guard
    guard.close(())


def test_no_layer_is_fetched(published: Published, closed: LayerGuard) -> None:
    described = published.json("describe", "--tag", STABLE)
    assert {one["image"]: one["digest"] for one in described} == published.stack(STABLE)
    found = published.json("diff", "--new", published.second)
    assert (found["old"], found["new"]) == (STABLE, published.second)
    changes = [(one["image"], [change["name"] for change in one["packages"]]) for one in found["images"]]
    assert [one for one in changes if one[1]] == [("base", ["numpy"]), ("r", ["polars"])]
    stacks = published.json("stacks")["stacks"]
    assert [(one["tag"], one["status"].partition(" ")[0]) for one in stacks] == [
        (published.second, ""),
        (published.first, STABLE),
    ]
    assert "2.0.1" in published.read("history", "--package", "numpy")
    assert closed.refused == []
    assert len(closed.passed) > len(IMAGES)


def test_manifests_come_without_a_layer(published: Published, closed: LayerGuard, tmp_path: Path) -> None:
    published.read("manifests", "--tag", STABLE, "-o", str(tmp_path / "out"))
    names = [f"{image}.{form}" for image in IMAGES for form in ("cdx.json", "json", "md")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*names, "dependencies.md"])
    assert closed.refused == []


def test_the_guard_refuses_layers(published: Published, closed: LayerGuard) -> None:
    layer = next(iter(published.layers()))
    connection = HTTPConnection("127.0.0.1", closed.port, timeout=10)
    connection.request("GET", f"/v2/{published.name.partition('/')[2]}/base/blobs/{layer}")
    assert connection.getresponse().status == 403
    connection.close()
    assert len(closed.refused) == 1


def test_a_fetched_image_is_read_alike(published: Published) -> None:
    """An image whose description was deleted is fetched and read again: the same bytes are attached to it."""
    before = published.json("describe", "--tag", STABLE)
    tags = published.tags()
    repositories = published.debian.storage / "docker/registry/v2/repositories" / published.name.partition("/")[2]
    digest = published.stack(STABLE)["r"]
    referrers = digest.replace(":", "-")
    assert referrers in tags["r"]
    shutil.rmtree(repositories / "r/_manifests/tags" / referrers)
    done = published.run("describe", "--tag", STABLE, "--keep", "--as-json")
    assert done.returncode == 0, done.stderr
    assert "Fetching r (" in done.stderr
    after = json.loads(done.stdout)
    assert [{**one, "layers": []} for one in after] == [{**one, "layers": []} for one in before]
    assert published.json("describe", "--tag", STABLE) == after
