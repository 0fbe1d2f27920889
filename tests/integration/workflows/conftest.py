from pathlib import Path

import pytest

from tests.integration.workflows.harness import Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
