from pathlib import Path

import pytest

from native_engine.binaries import patch_source
from native_engine.errors import EngineError


def test_a_patch_replaces_the_only_occurrence_of_its_text(tmp_path: Path) -> None:
    file = tmp_path / "source.go"
    file.write_text("before\nhere\nafter\n")
    patch_source(file, "here\n", "there\n")
    assert file.read_text() == "before\nthere\nafter\n"


@pytest.mark.parametrize("source", ["gone\n", "here\nhere\n"])
def test_a_patch_that_does_not_apply_is_an_error(tmp_path: Path, source: str) -> None:
    file = tmp_path / "source.go"
    file.write_text(source)
    with pytest.raises(EngineError, match=r"the patch of source\.go does not apply"):
        patch_source(file, "here\n", "there\n")
    assert file.read_text() == source
