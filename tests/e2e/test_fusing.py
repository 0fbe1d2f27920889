"""A fused build makes the same images as building and publishing one after the other."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from typing import NamedTuple

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.fusion.fuse import fuse, fuse_all
from ci.fusion.fused import Fused
from ci.fusion.substitutions import Substitutions
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.e2e.edge_case_stack import BASE_IMAGE, FILES
from tests.programs import docker_registry
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio

LISTING = (
    r"find /image -xdev -printf '%P %y %m %U:%G %l\n' | LC_ALL=C sort;"
    r" find /image -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a registry on a free port of this machine. The engine shares its network."""
    binary = docker_registry()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("registry")
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([binary, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            _wait_for(f"localhost:{port}")
            yield f"localhost:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(registry: str) -> None:
    for _ in range(100):
        try:
            _get(registry, "/v2/")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(registry)


def _get(registry: str, path: str) -> bytes:
    with closing(HTTPConnection(registry, timeout=10)) as connection:
        connection.request("GET", path, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
        response = connection.getresponse()
        assert response.status == HTTPStatus.OK, path
        return response.read()


@pytest.fixture(scope="module")
def files(registry: str) -> dict[str, str]:
    return {path: text.replace("REGISTRY_OF_TEST", registry) for path, text in FILES.items()}


@pytest.fixture(scope="module")
def stack(files: dict[str, str]) -> Stack:
    return read_stack(MemoryTree(files))


@pytest.fixture(scope="module")
async def source(session: None, files: dict[str, str]) -> dagger.Directory:  # noqa: ARG001
    folder = dag.directory()
    for path, text in files.items():
        folder = folder.with_new_file(path, text, permissions=0o755 if "/bin/" in path else 0o644)
    return await folder.sync()


class PublishedImage(NamedTuple):
    """An image, and the reference with a digest that it was published as."""

    image: dagger.Container
    reference: str


@pytest.fixture(scope="module")
async def one_by_one(source: dagger.Directory, stack: Stack, registry: str) -> dict[str, PublishedImage]:
    """Build and publish the images one after the other, each from its own folder."""
    built = {}
    for image in stack.images:
        arguments = {"REGISTRY": registry, **image.build_args}
        container = source.directory(image.folder).docker_build(
            build_args=[dagger.BuildArg(name, value) for name, value in arguments.items()]
        )
        # The engine leaves these ARGs in the environment of the image and of its children. Docker does not.
        for name in ("DEBIAN", "GREETING", "COURSE"):
            container = container.without_env_variable(name)
        built[image.name] = PublishedImage(container, await container.publish(f"{registry}/{image.name}:1"))
    return built


@pytest.fixture(scope="module", params=["from sources", "on published images"])
async def texts(
    request: pytest.FixtureRequest, stack: Stack, one_by_one: dict[str, PublishedImage]
) -> dict[str, Fused]:
    """Return each image's text: with all images it needs, or on published ones with an epoch."""
    if request.param == "from sources":
        return dict(fuse_all(stack, stack.by_name))
    base = (await dag.container().from_(BASE_IMAGE).image_ref()).partition("@")[2]
    found: dict[str, Fused] = {}
    for name in stack.by_name:
        published = {other: image.reference for other, image in one_by_one.items() if other != name}
        found[name] = fuse(
            stack, name, Substitutions(published=published, digests={BASE_IMAGE: base}, epochs={name: "1"})
        )
    return found


async def listing(container: dagger.Container) -> set[str]:
    """Return a line for each path of the file system with its type, mode, owner, and link target or content."""
    tools = dag.container().from_(BASE_IMAGE).with_mounted_directory("/image", container.rootfs())
    return set((await tools.with_exec(["sh", "-c", LISTING]).stdout()).splitlines())


def config(registry: str, name: str) -> dict[str, object]:
    """Return the published configuration of an image."""
    manifest = json.loads(_get(registry, f"/v2/{name}/manifests/1"))
    found: dict[str, object] = json.loads(_get(registry, f"/v2/{name}/blobs/{manifest['config']['digest']}"))["config"]
    return found


@pytest.mark.parametrize("name", ["base", "tool", "onbuild", "child"])
async def test_a_fused_build_makes_the_same_image(
    name: str, texts: dict[str, Fused], source: dagger.Directory, registry: str, one_by_one: dict[str, PublishedImage]
) -> None:
    fused = await EngineBuilder(source).image(texts[name])
    assert await listing(fused) ^ await listing(one_by_one[name].image) == set()
    await fused.publish(f"{registry}/fused/{name}:1")
    expected = config(registry, name)
    if name == "child":
        # The engine passes on an ONBUILD of the base although it was run. Neither Docker nor a fused build do.
        assert expected.pop("OnBuild")
    assert config(registry, f"fused/{name}") == expected


async def test_parent_and_child_share_what_was_run(session: None) -> None:  # noqa: ARG001
    """The parent by itself and the parent in the text of its child are one build: a random value in it is the same."""
    files = {
        "images/parent/Dockerfile": f"FROM {BASE_IMAGE}\nARG A=1\nCOPY . /x\nRUN head -c 8 /dev/urandom > /random\n",
        "images/parent/x": "x",
        "images/child/Dockerfile": "FROM parent\nCOPY x /y\nRUN touch /z\n",
        "images/child/x": "of child",
        "images/side/Dockerfile": f"FROM parent AS p\nFROM {BASE_IMAGE}\nCOPY --from=p /random /random\n",
    }
    folder = dag.directory()
    for path, text in files.items():
        folder = folder.with_new_file(path, text)
    stack = read_stack(MemoryTree(files))
    builder = EngineBuilder(folder)
    found = {name: await (await builder.image(fuse(stack, name))).file("/random").digest() for name in stack.by_name}
    assert found["parent"] == found["child"] == found["side"]
