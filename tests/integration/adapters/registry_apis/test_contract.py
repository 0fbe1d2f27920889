"""The contract of the Remover protocol: for registries that delete themselves, for ghcr.io and for Docker Hub."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.registry_apis.docker_hub import DockerHub
from ci.adapters.registry_apis.github_packages import GithubPackages
from ci.cleanup.ports import Remover
from ci.cleanup.registry_remover import RegistryRemover
from ci.oci.reference import Repository
from ci.oci.registry import InUseError, Manifest, Registry, digest_of
from ci.oci.tombstone import read_digest
from tests.clocks import QuickClock
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.registry_apis.servers import TOKEN, ApiServer, GithubServer, HubRegistry, HubServer

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count()
CONFIG = b'{"os":"linux"}'


class Case:
    """What deletes, the registry, and a repository in it; and the server of its own interface, if it has one."""

    def __init__(self, remover: Remover, registry: Registry, host: str, server: ApiServer | None = None) -> None:
        self.remover = remover
        self.registry = registry
        self.server = server
        self.repository = Repository(host=host, path=f"acme/stack/case-{next(NUMBERS)}")

    async def written(self, *tags: str) -> Manifest:
        layer = f"layer {next(NUMBERS)}".encode()
        for blob in (CONFIG, layer):
            await self.registry.put_blob(self.repository, blob)
        manifest = image_manifest(CONFIG, layer)
        await self.registry.put(self.repository.pinned(manifest.digest), manifest)
        for tag in tags:
            await self.registry.put(self.repository.tagged(tag), manifest)
        return manifest

    async def tag(self, tag: str) -> str | None:
        return await read_digest(self.registry, self.repository.tagged(tag), ())


@pytest.fixture(params=["memory", "server", "debian", "ghcr", "hub"])
async def case(request: pytest.FixtureRequest, clock: QuickClock) -> AsyncIterator[Case]:
    async with AsyncExitStack() as opened:
        if request.param == "memory":
            memory = MemoryRegistry()
            yield Case(RegistryRemover(memory), memory, "registry.test")
            return
        if request.param == "debian":
            debian = request.getfixturevalue("debian")
            registry = await opened.enter_async_context(HttpRegistry(debian.endpoint))
            yield Case(RegistryRemover(registry), registry, debian.host)
            return
        server = opened.enter_context((HubRegistry() if request.param == "hub" else RegistryServer()).serving())
        registry = await opened.enter_async_context(HttpRegistry(clock=clock))
        if request.param == "server":
            yield Case(RegistryRemover(registry), registry, server.host)
        elif request.param == "ghcr":
            github = opened.enter_context(GithubServer(server).serving())
            packages = GithubPackages(registry, TOKEN, address=github.address, clock=clock)
            yield Case(await opened.enter_async_context(packages), registry, server.host, github)
        else:
            api = opened.enter_context(HubServer(server).serving())
            hub = DockerHub(registry, "bob", TOKEN, address=api.address, clock=clock)
            yield Case(await opened.enter_async_context(hub), registry, server.host, api)


async def test_an_image_goes_with_its_tags_and_no_other(case: Case) -> None:
    kept, gone = await case.written("kept"), await case.written("old", "older")
    await case.remover.delete(case.repository.pinned(gone.digest), ("old", "older"))
    assert await case.registry.head(case.repository.pinned(gone.digest)) is None
    assert [await case.tag(tag) for tag in ("kept", "old", "older")] == [kept.digest, None, None]


async def test_an_image_without_a_tag_goes(case: Case) -> None:
    await case.written("kept")
    gone = await case.written()
    await case.remover.delete(case.repository.pinned(gone.digest), ())
    assert await case.registry.head(case.repository.pinned(gone.digest)) is None


async def test_what_is_not_there_is_no_error(case: Case) -> None:
    await case.written("kept")
    absent = case.repository.pinned(digest_of(b"absent"))
    await case.remover.delete(absent, ())
    gone = case.repository.pinned((await case.written("old")).digest)
    await case.remover.delete(gone, ("old",))
    await case.remover.delete(gone, ("old",))


async def test_a_repository_that_is_not_there_is_no_error(case: Case) -> None:
    await case.remover.delete(case.repository.pinned(digest_of(b"absent")), ())


async def test_a_single_tag_goes_and_its_image_stays(case: Case) -> None:
    image = await case.written("kept", "old")
    await case.remover.untag(case.repository.tagged("old"))
    assert [await case.tag(tag) for tag in ("kept", "old")] == [image.digest, None]
    assert await case.registry.head(case.repository.tagged("old")) is None  # no tombstone is left, either


async def test_what_is_beyond_the_first_page_goes(case: Case) -> None:
    first = await case.written("first")
    for number in range(101):
        await case.written(f"n{number}")
    await case.remover.delete(case.repository.pinned(first.digest), ("first",))
    assert await case.tag("first") is None


async def test_an_image_with_another_tag_stays_where_the_registry_can_tell(case: Case) -> None:
    if case.server is None:
        pytest.skip("the OCI distribution specification has no such deletion")
    await case.written("kept")
    image = await case.written("old", "new")
    with pytest.raises(InUseError, match="stays"):
        await case.remover.delete(case.repository.pinned(image.digest), ("old",))
    assert [await case.tag(tag) for tag in ("old", "new")] == [image.digest, image.digest]
