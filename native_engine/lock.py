"""One at a time: what changes the native engine holds the lock of its prefix, and says what for to whoever waits."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from native_engine.errors import EngineError
from native_engine.steps import tell


@contextlib.contextmanager
def locked(prefix: Path, purpose: str) -> Iterator[None]:
    """Hold the prefix's lock. It ends with the process, however that ends; children do not inherit it."""
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        held = os.open(prefix / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EngineError(
            f"{prefix} cannot be written ({error.strerror}): become root, or set another prefix."
        ) from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for {os.pread(held, 200, 0).decode(errors='replace') or 'another run'}")
            fcntl.flock(held, fcntl.LOCK_EX)
        os.ftruncate(held, 0)
        os.pwrite(held, f"process {os.getpid()}, which is to {purpose}".encode(), 0)
        yield
    finally:
        os.close(held)
