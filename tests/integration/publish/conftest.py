from collections.abc import Iterator

import pytest

from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.pipeline_harness import Line


@pytest.fixture
def line() -> Iterator[Line]:
    with RegistryServer().serving() as server:
        yield Line(server)
