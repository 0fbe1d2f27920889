"""What all tests share."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, which the Dagger SDK and asyncssh need."""
    return "asyncio"
