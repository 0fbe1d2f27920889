import os
from pathlib import Path

import pytest

from native_engine.processes import ProcessRecord, load_record, record_of, save_record, start_of


def saved(path: Path, record: ProcessRecord) -> Path:
    save_record(path, record)
    return path


def test_a_running_process_is_found_again(tmp_path: Path) -> None:
    record = record_of(os.getpid(), "fingerprint")
    assert record is not None
    assert load_record(saved(tmp_path / "pid", record)) == record


def test_a_reused_pid_is_not_mistaken_for_the_recorded_process(tmp_path: Path) -> None:
    ours = record_of(os.getpid(), "")
    assert ours is not None
    assert load_record(saved(tmp_path / "pid", ours._replace(started=ours.started - 1))) is None


@pytest.mark.parametrize("content", ["", "1234", "{}", '{"pid": 1, "started": "soon", "fingerprint": ""}', "\0\0"])
def test_an_invalid_record_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "pid").write_text(content, encoding="utf-8")
    assert load_record(tmp_path / "pid") is None


def test_a_nonexistent_process_has_no_start_time() -> None:
    assert start_of(2**22 + 1) is None
