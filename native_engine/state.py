"""The engine's state folder: whether it is worth keeping, and how it is dropped without anyone waiting for that."""

import contextlib
import sqlite3
import time
from pathlib import Path

CACHE_INDEX = "dagql-cache.db"  # where the engine notes, last of all, that it ended gently


def ended_gently(state: Path) -> bool:
    """Whether the last engine closed its cache; if not, the next one starts with an empty one.

    A state that cannot be read so is left to the engine to judge.
    """
    index = state / CACHE_INDEX
    try:
        with contextlib.closing(sqlite3.connect(f"{index.as_uri()}?mode=ro", uri=True)) as database:
            notes = dict(database.execute("SELECT key, value FROM meta"))
    except sqlite3.Error:
        return True
    return bool(notes.get("clean_shutdown", "1") == "1")


def move_aside(state: Path, dropped: Path) -> None:
    """Take the state away at once: removing it where it is can take minutes."""
    if state.exists():
        dropped.mkdir(exist_ok=True)
        state.rename(dropped / str(time.time_ns()))
