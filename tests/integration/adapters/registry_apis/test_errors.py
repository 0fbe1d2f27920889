"""What is said when ghcr.io and Docker Hub refuse, fail, or want no more requests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.registry_apis.docker_hub import DockerHub
from ci.adapters.registry_apis.github_packages import GithubPackages
from ci.oci.reference import Repository
from ci.oci.registry import (
    AccessError,
    LoginError,
    RateLimitError,
    RefusedError,
    RegistryError,
    ServerFaultError,
    UnreachableError,
)
from tests.clocks import QuickClock
from tests.integration.adapters.oci.images import stored
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.registry_apis.servers import TOKEN, GithubServer, HubRegistry, HubServer

pytestmark = pytest.mark.anyio

PATH = "acme/notebook"


class World:
    """An image under a tag at GitHub, and what deletes it."""

    def __init__(self, github: GithubServer, packages: GithubPackages, registry: RegistryServer) -> None:
        self.github = github
        self.packages = packages
        self.registry = registry
        self.image = Repository(host=registry.host, path=PATH).pinned(stored(registry, "old", path=PATH).digest)

    async def delete(self) -> None:
        await self.packages.delete(self.image, ("old",))


@pytest.fixture
async def world(clock: QuickClock) -> AsyncIterator[World]:
    async with AsyncExitStack() as opened:
        server = opened.enter_context(RegistryServer().serving())
        registry = await opened.enter_async_context(HttpRegistry(clock=clock))
        github = GithubServer(server)
        opened.enter_context(github.serving())
        packages = GithubPackages(registry, TOKEN, address=github.address, clock=clock)
        yield World(github, await opened.enter_async_context(packages), server)


async def test_the_last_tagged_version_of_a_package_is_refused_in_their_words(world: World) -> None:
    with pytest.raises(RefusedError, match=r"deleting .*400 Bad Request, You cannot delete the last tagged version"):
        await world.delete()


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, (LoginError, "does not accept the login")),
        (403, {}, (AccessError, r"does not allow .*403 Forbidden, why.*scopes read:packages and delete:packages")),
        (403, {"retry-after": "900"}, (RateLimitError, r"rate limit reached .*What was deleted stays deleted")),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800003600"}, (RateLimitError, "rate limit")),
        (422, {}, (RefusedError, "refused")),
    ],
)
async def test_a_refusal_is_an_error_at_once(
    world: World, clock: QuickClock, status: int, headers: dict[str, str], error: tuple[type[RegistryError], str]
) -> None:
    kind, sentence = error
    world.github.faults.append((status, headers, {"message": "why"}))
    with pytest.raises(kind, match=sentence):
        await world.delete()
    assert clock.waits == []


@pytest.mark.parametrize(("status", "headers", "waits"), [(502, {}, [1.0]), (429, {"retry-after": "7"}, [7.0])])
async def test_what_is_transient_is_tried_again(
    world: World, clock: QuickClock, status: int, headers: dict[str, str], waits: list[float]
) -> None:
    stored(world.registry, "kept", layer=b"kept", path=PATH)
    world.github.faults.append((status, headers, {}))
    await world.delete()
    assert clock.waits == waits
    assert list(world.registry.contents.tags[PATH]) == ["kept"]


async def test_a_server_that_keeps_failing_is_an_error(world: World, clock: QuickClock) -> None:
    world.github.faults += [(500, {}, {})] * 5
    with pytest.raises(ServerFaultError, match=r"failed while .*run again later"):
        await world.delete()
    assert clock.waits == [1.0, 2.0, 4.0, 8.0]


async def test_a_server_that_is_not_there_is_an_error(clock: QuickClock) -> None:
    async with (
        HttpRegistry(clock=clock) as registry,
        GithubPackages(registry, TOKEN, address="http://127.0.0.1:9", clock=clock) as packages,
    ):
        with pytest.raises(UnreachableError, match="cannot be reached while"):
            await packages.delete(Repository.parse("ghcr.io/acme/notebook").pinned(f"sha256:{'0' * 64}"), ())


async def test_the_login_of_docker_hub_is_renewed_when_it_expires(clock: QuickClock) -> None:
    with HubRegistry().serving() as server, HubServer(server).serving() as api:
        repository = Repository(host=server.host, path=PATH)
        stored(server, "old", path=PATH)
        async with (
            HttpRegistry(clock=clock) as registry,
            DockerHub(registry, "bob", TOKEN, address=api.address, clock=clock) as hub,
        ):
            hub._token = "expired"  # noqa: S105
            await hub.untag(repository.tagged("old"))
        assert server.contents.tags[PATH] == {}


async def test_a_wrong_login_at_docker_hub_is_an_error_before_anything_is_deleted(clock: QuickClock) -> None:
    with HubRegistry().serving() as server, HubServer(server).serving() as api:
        image = Repository(host=server.host, path=PATH).pinned(stored(server, "old", path=PATH).digest)
        async with (
            HttpRegistry(clock=clock) as registry,
            DockerHub(registry, "bob", "wrong", address=api.address, clock=clock) as hub,
        ):
            with pytest.raises(LoginError, match="does not accept the login for logging in as 'bob'"):
                await hub.delete(image, ("old",))
        assert "old" in server.contents.tags[PATH]
