from pathlib import Path

import pytest

from ci.adapters.dagger_engine import tester
from ci.adapters.dagger_engine.tester import tools_digest


def test_the_digest_covers_every_file_of_the_test_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tester._TEST_CONTAINER
    assert {"Dockerfile", "run-suite", "suite_recorder.py"} <= {path.name for path in source.iterdir()}
    for path in source.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    original = tools_digest()
    monkeypatch.setattr(tester, "_TEST_CONTAINER", tmp_path)
    assert tools_digest() == original
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert tools_digest() != original, path.name
        path.write_bytes(content)
