import sqlite3
from pathlib import Path

import pytest

from native_engine.state import CACHE_INDEX, move_aside, shut_down_cleanly


def write_index(state: Path, meta: dict[str, str]) -> None:
    database = sqlite3.connect(state / CACHE_INDEX)
    database.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("meta", "cleanly"),
    [
        pytest.param({"schema_version": "16", "clean_shutdown": "1"}, True, id="closed"),
        pytest.param({"schema_version": "16", "clean_shutdown": "0"}, False, id="killed"),
        pytest.param({"schema_version": "16"}, True, id="unknown"),
    ],
)
def test_the_engines_database_says_whether_it_shut_down_cleanly(
    tmp_path: Path, meta: dict[str, str], *, cleanly: bool
) -> None:
    write_index(tmp_path, meta)
    assert shut_down_cleanly(tmp_path) is cleanly


def test_a_state_without_a_readable_database_is_kept(tmp_path: Path) -> None:
    assert shut_down_cleanly(tmp_path / "none")
    assert not (tmp_path / "none").exists(), "reading creates nothing"
    (tmp_path / CACHE_INDEX).write_text("not a database")
    assert shut_down_cleanly(tmp_path)


def test_a_dropped_state_is_moved_at_once(tmp_path: Path) -> None:
    state, dropped = tmp_path / "state", tmp_path / "dropped"
    for content in ("first", "second"):
        state.mkdir()
        (state / "file").write_text(content)
        move_aside(state, dropped)
        assert not state.exists()
    assert {path.read_text() for path in dropped.glob("*/file")} == {"first", "second"}
    move_aside(state, dropped)
