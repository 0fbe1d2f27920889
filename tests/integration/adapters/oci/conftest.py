from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import pytest

from ci.adapters.oci.client import HttpRegistry
from tests.clocks import QuickClock
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.oci.servers import Servers


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRegistry]:
    with debian_registry(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer().serving() as running:
        yield running


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def registry(clock: QuickClock) -> AsyncIterator[HttpRegistry]:
    async with HttpRegistry(clock=clock) as opened:
        yield opened


@pytest.fixture
async def servers(clock: QuickClock) -> AsyncIterator[Servers]:
    with ExitStack() as running:
        async with AsyncExitStack() as clients:
            yield Servers(clock, running, clients)
