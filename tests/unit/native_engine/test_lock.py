from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.lock import locked


def test_a_prefix_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(
            EngineError,
            match=r"Cannot write to .*file/prefix \(Not a directory\): run as root, or set DAGGER_NATIVE_PREFIX",
        ),
        locked(tmp_path / "file" / "prefix", "start"),
    ):
        pass
