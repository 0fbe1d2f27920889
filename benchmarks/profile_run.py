"""Measures what a run spends its time on: which tasks, what they waited for, and how busy the machine's cores were.

usage: python benchmarks/profile_run.py [words of `build-report`, as --publish or --jobs 4]

Runs `./daggerw call build-report WORDS` once, with whatever the engine has in its cache, and reads the times of tasks
from its report. `waited` are the seconds in which tasks had all they need and no free slot. Cores that are busy all the
time mean that more tasks at once cannot make the run faster. Other work on the machine counts as busy, too.
"""  # noqa: INP001 (a script, not a package)

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple, Self

from tabulate import tabulate

ROOT = Path(__file__).resolve().parents[1]
STEP = 20  # seconds, a line of the second table


class Sample(NamedTuple):
    """The time (seconds since the start), and how many ticks all cores have been busy and idle until then."""

    time: float
    busy: int
    idle: int


class Cores:
    """Records how busy the cores are, each second, while it is open."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._begun = time.monotonic()
        self.samples = [self._read()]

    def busy(self, begin: float, end: float) -> float:
        """Return the part of the cores' time (0 to 1) that was used between two times."""
        inside = [sample for sample in self.samples if begin <= sample.time <= end]
        if len(inside) < 2:  # noqa: PLR2004 (a difference needs two)
            return 0.0
        busy, idle = inside[-1].busy - inside[0].busy, inside[-1].idle - inside[0].idle
        return busy / max(1, busy + idle)

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(1):
            self.samples.append(self._read())

    def _read(self) -> Sample:
        # user, nice, system, idle, iowait, irq, softirq, steal: https://docs.kernel.org/filesystems/proc.html
        ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle = ticks[3] + ticks[4]
        return Sample(time.monotonic() - self._begun, sum(ticks) - idle, idle)


def main(words: list[str]) -> None:
    """Run once and print both tables."""
    if {"-h", "--help"} & set(words):
        print(__doc__)
        return
    with tempfile.TemporaryDirectory() as folder, Cores() as cores:
        target = Path(folder) / "report"
        command = [sys.executable, str(ROOT / "daggerw"), "call", "build-report", *words, "-o", str(target)]
        begun = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begun
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        report = json.loads((target / "report.json").read_text())
        print((target / "summary.txt").read_text())
    # What comes before the first task is planning, what comes after the last one is the report.
    last = max(task["started"] + task["seconds"] for task in report["tasks"])
    begin = max(0.0, seconds - last - 2)
    print(f"{seconds:.0f} s in total, {last:.0f} s of tasks, {report['jobs']} at once\n")
    print(tabulate(by_kind(report["tasks"]), ["task", "number", "seconds", "longest", "waited"], floatfmt=".1f"))
    print()
    print(
        tabulate(by_time(report["tasks"], cores, begin), ["from", "running", "waiting", "cores busy"], floatfmt=".1f")
    )
    print(f"\ncores busy: {cores.busy(begin, begin + last):.0%}")


def by_kind(tasks: list[dict[str, Any]]) -> list[tuple[str, int, float, float, float]]:
    """Return for each kind of task its number, seconds, longest seconds, and how long all of them waited for a slot."""
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for task in tasks:
        kinds[task["kind"]].append(task)
    return [
        (
            kind,
            len(found),
            sum(task["seconds"] for task in found),
            max(task["seconds"] for task in found),
            sum(task["started"] - task["ready"] for task in found),
        )
        for kind, found in kinds.items()
    ]


def by_time(tasks: list[dict[str, Any]], cores: Cores, begin: float) -> list[tuple[str, float, float, str]]:
    """Return for each piece of time how many tasks ran and waited on average, and how busy the cores were."""
    rows = []
    for start in range(0, int(max(task["started"] + task["seconds"] for task in tasks)) + 1, STEP):
        end = start + STEP
        running = sum(_overlap(task["started"], task["started"] + task["seconds"], start, end) for task in tasks)
        waiting = sum(_overlap(task["ready"], task["started"], start, end) for task in tasks)
        busy = f"{cores.busy(begin + start, begin + end):.0%}"
        rows.append((f"{start // 60}:{start % 60:02}", running / STEP, waiting / STEP, busy))
    return rows


def _overlap(begin: float, end: float, start: float, stop: float) -> float:
    return max(0.0, min(end, stop) - max(begin, start))


if __name__ == "__main__":
    main(sys.argv[1:])
