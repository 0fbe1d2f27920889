"""The environment's proxy is used for the internet, and for nothing else."""

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.reference import Repository
from tests.clocks import QuickClock
from tests.integration.adapters.oci.images import PATH, repository, stored
from tests.integration.adapters.oci.server import RegistryServer

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")


async def test_this_machine_is_reached_without_it(server: RegistryServer, clock: QuickClock) -> None:
    manifest = stored(server, "t")
    async with HttpRegistry(clock=clock) as registry:
        assert await registry.head(repository(server).tagged("t")) == manifest.digest


async def test_a_service_with_an_address_of_its_own_is_reached_without_it(
    server: RegistryServer, clock: QuickClock
) -> None:
    manifest = stored(server, "t")
    async with HttpRegistry(Endpoint(host="registry.test", address=server.url), clock=clock) as registry:
        assert await registry.head(Repository(host="registry.test", path=PATH).tagged("t")) == manifest.digest


async def test_the_internet_is_reached_through_it(
    server: RegistryServer, clock: QuickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    async with HttpRegistry(Endpoint(host="registry.test", insecure=True), clock=clock) as registry:
        assert await registry.head(Repository(host="registry.test", path=PATH).tagged("t")) is None
    assert server.seen[0].path == f"http://registry.test/v2/{PATH}/manifests/t"
