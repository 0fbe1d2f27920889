"""Measures a cold build of the whole stack, and a second run with everything in the cache.

usage: python benchmarks/cold_build.py [--keep]

Run it on an idle machine. It DELETES THE WHOLE CACHE of the engine first; with `--keep` it does not, and measures only
the second run. Prints the tables of both runs, the seconds of the whole command, and the peak use of disk space. The
tests do not run, so that the figures are comparable to a tool that only builds.
"""  # noqa: INP001 (a script, not a package)

import argparse
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
    """Records the lowest free space of a file system while it is open."""

    def __init__(self, path: str = "/var/lib") -> None:
        self._path = path
        self._stop = threading.Event()
        self._before = self.lowest = shutil.disk_usage(path).free

    @property
    def peak(self) -> int:
        """Bytes used at the peak, in addition to those used at the start."""
        return self._before - self.lowest

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.lowest = min(self.lowest, shutil.disk_usage(self._path).free)


def build(name: str) -> None:
    """Build once and print time and disk space."""
    started = time.monotonic()
    with DiskWatch() as disk:
        done = subprocess.run(
            [*DAGGER, "call", "build-stack", "--test=false"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    print(f"== {name}: {seconds:.1f} s in total, disk peak {disk.peak / 1e9:.1f} GB\n{done.stdout}", flush=True)


def main() -> None:
    """Build with an empty cache, then with everything in the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep the engine's cache, and skip the cold build")
    if not parser.parse_args().keep:
        # The figures exclude the module's own runtime: a call builds it before the cold build starts.
        subprocess.run([*DAGGER, "core", "engine", "local-cache", "prune"], cwd=ROOT, check=True, capture_output=True)
        subprocess.run([*DAGGER, "call", "plan"], cwd=ROOT, check=True, capture_output=True)
        build("cold")
    build("cached")


if __name__ == "__main__":
    main()
