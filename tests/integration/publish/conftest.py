from collections.abc import AsyncIterator, Iterator

import pytest

from ci.adapters.oci.client import HttpRegistry
from tests.integration.adapters.oci.conftest import debian
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.debian_runs import DebianRuns
from tests.integration.publish.pipeline_harness import Pipeline

__all__ = ["debian"]


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    with RegistryServer().serving() as server:
        yield Pipeline(server)


@pytest.fixture
async def runs(debian: DebianRegistry) -> AsyncIterator[DebianRuns]:
    async with HttpRegistry(debian.endpoint) as registry:
        yield DebianRuns(debian, registry)
