import sqlite3
from pathlib import Path

import pytest

from native_engine.state import CACHE_INDEX, ended_gently, move_aside


def write_index(state: Path, notes: dict[str, str]) -> None:
    database = sqlite3.connect(state / CACHE_INDEX)
    database.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    database.executemany("INSERT INTO meta VALUES (?, ?)", notes.items())
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("notes", "gently"),
    [
        pytest.param({"schema_version": "16", "clean_shutdown": "1"}, True, id="closed"),
        pytest.param({"schema_version": "16", "clean_shutdown": "0"}, False, id="killed"),
        pytest.param({"schema_version": "16"}, True, id="not noted"),
    ],
)
def test_the_engines_own_note_tells_how_it_ended(tmp_path: Path, notes: dict[str, str], *, gently: bool) -> None:
    write_index(tmp_path, notes)
    assert ended_gently(tmp_path) is gently


def test_a_state_without_or_with_another_index_is_left_to_the_engine(tmp_path: Path) -> None:
    assert ended_gently(tmp_path / "none")
    assert not (tmp_path / "none").exists(), "looking makes nothing"
    (tmp_path / CACHE_INDEX).write_text("no database")
    assert ended_gently(tmp_path)


def test_a_dropped_state_is_out_of_the_way_at_once(tmp_path: Path) -> None:
    state, dropped = tmp_path / "state", tmp_path / "dropped"
    for content in ("first", "second"):
        state.mkdir()
        (state / "file").write_text(content)
        move_aside(state, dropped)
        assert not state.exists()
    assert {path.read_text() for path in dropped.glob("*/file")} == {"first", "second"}
    move_aside(state, dropped)
