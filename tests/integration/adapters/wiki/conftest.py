from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.adapters.wiki.server import WikiServer, wiki_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WikiServer]:
    """A hosting service with a wiki that has no page."""
    with wiki_server(tmp_path) as one:
        yield one
