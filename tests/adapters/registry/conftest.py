from collections.abc import AsyncIterator, Iterator

import pytest

from ci.adapters.registry.registry import HttpRegistry
from ci.adapters.registry.retrying import Clock
from tests.adapters.registry.debian import DebianRegistry, debian_registry
from tests.adapters.registry.server import RegistryServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRegistry]:
    with debian_registry(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer().serving() as running:
        yield running


class QuickClock(Clock):
    """Time that passes only by being waited for; `waits` are the seconds of each wait."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def chance(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def client(clock: QuickClock) -> AsyncIterator[HttpRegistry]:
    async with HttpRegistry(clock=clock) as registry:
        yield registry
