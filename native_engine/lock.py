"""The lock of a prefix: one process at a time changes the native engine, and the others log what they wait for."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from native_engine.errors import EngineError
from native_engine.steps import log


@contextlib.contextmanager
def locked(prefix: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of PREFIX. The kernel releases it when the process ends; child processes do not inherit it."""
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        lock = os.open(prefix / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EngineError(
            f"Cannot write to {prefix} ({error.strerror}): run as root, or set DAGGER_NATIVE_PREFIX."
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"waiting for {os.pread(lock, 200, 0).decode(errors='replace') or 'another process'}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} to {purpose}".encode(), 0)
        yield
    finally:
        os.close(lock)
