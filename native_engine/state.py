"""The engine's state folder: whether it is still usable, and how it is discarded without waiting."""

import contextlib
import sqlite3
import time
from pathlib import Path

CACHE_INDEX = "dagql-cache.db"  # the engine records a clean shutdown here, as its last action


def shut_down_cleanly(state: Path) -> bool:
    """Whether the previous engine closed its cache; if not, the next engine starts with an empty cache.

    True for a state that cannot be read like this: then the engine decides.
    """
    index = state / CACHE_INDEX
    try:
        with contextlib.closing(sqlite3.connect(f"{index.as_uri()}?mode=ro", uri=True)) as database:
            meta = dict(database.execute("SELECT key, value FROM meta"))
    except sqlite3.Error:
        return True
    return bool(meta.get("clean_shutdown", "1") == "1")


def move_aside(state: Path, dropped: Path) -> None:
    """Rename the state, which is instant; removing it can take minutes."""
    if state.exists():
        dropped.mkdir(exist_ok=True)
        state.rename(dropped / str(time.time_ns()))
