"""Measures a cold build of the whole stack, and a second run with everything in the cache.

usage: benchmarks/cold_build.py [--keep]     on an otherwise idle machine; `--keep` leaves out the dropping of the cache

Prints the tables of both runs, the seconds that the whole command took, and how much the disk filled at the peak.
The tests are left out, so that the figures can be held against a tool that only builds.
"""  # noqa: INP001 (a command, no package)

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
DAGGER = [sys.executable, str(ROOT / "daggerw")]


class DiskWatch:
    """Remembers the least free space of a file system while it is open."""

    def __init__(self, path: str = "/var/lib") -> None:
        self._path = path
        self._stop = threading.Event()
        self._before = self.least = shutil.disk_usage(path).free

    @property
    def peak(self) -> int:
        """Bytes that were taken at the peak, over what was taken at the start."""
        return self._before - self.least

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.least = min(self.least, shutil.disk_usage(self._path).free)


def build(name: str) -> None:
    """Build once and print what it took."""
    started = time.monotonic()
    with DiskWatch() as disk:
        done = subprocess.run(
            [*DAGGER, "call", "build-stack", "--test=false"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    print(f"== {name}: {seconds:.1f} s in all, disk peak {disk.peak / 1e9:.1f} GB\n{done.stdout}", flush=True)


if __name__ == "__main__":
    if "--keep" not in sys.argv[1:]:
        # The module's own runtime stays out of the figures: a call makes it before the cold build starts.
        subprocess.run([*DAGGER, "core", "engine", "local-cache", "prune"], cwd=ROOT, check=True, capture_output=True)
        subprocess.run([*DAGGER, "call", "plan"], cwd=ROOT, check=True, capture_output=True)
        build("cold")
    build("cached")
