from collections.abc import Iterator

import pytest

from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.pipeline_harness import Pipeline


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    with RegistryServer().serving() as server:
        yield Pipeline(server)
