from collections.abc import Iterator

import pytest

from tests.adapters.publishing.line import Line
from tests.adapters.registry.server import RegistryServer


@pytest.fixture
def line() -> Iterator[Line]:
    with RegistryServer().serving() as server:
        yield Line(server)
