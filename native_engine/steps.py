"""Named steps that each run once: a stamp remembers what a step was made from, and a failed step leaves no stamp."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from native_engine.errors import EngineError
from native_engine.recipes import SYSTEM_PATH

LAST_LINES = 12  # of a step's output, shown when it fails


class Step(NamedTuple):
    """One part of the installation: what it depends on, and how it is made."""

    name: str
    inputs: str | None  # None for a step that is listed only while it has something to do
    make: Callable[[], None]


class Workshop(NamedTuple):
    """Where steps are made: their stamps, their logs and the scratch folder on the same file system as the results."""

    prefix: Path

    @property
    def stamps(self) -> Path:
        """One file for each step that was made."""
        return self.prefix / "stamps"

    @property
    def logs(self) -> Path:
        """One file for each step with what its commands printed."""
        return self.prefix / "logs"

    @property
    def scratch(self) -> Path:
        """Half-made things; whoever holds the lock may empty it."""
        return self.prefix / "tmp"

    def open_shop(self) -> None:
        """Make the folders, and drop what a killed run left half-made."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for folder in (self.stamps, self.logs, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)

    def is_made(self, step: Step) -> bool:
        """Whether the step's result stands, made from the same inputs."""
        with contextlib.suppress(OSError):
            return (self.stamps / step.name).read_text(encoding="utf-8") == step.inputs
        return False

    @contextlib.contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Lend a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def run(self, name: str, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str]) -> str:
        """Run a command for step NAME with its output in the step's log; return what it printed on standard output."""
        path = (
            f"{env.get('PATH', os.defpath)}{os.pathsep}{SYSTEM_PATH}"  # a root without a login shell has no /usr/sbin
        )
        with (self.logs / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(map(str, command))}\n")
            log.flush()
            ended = subprocess.run(
                command,
                cwd=cwd,
                env={**env, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                check=False,
            )
            printed = ended.stdout.decode(errors="replace")
            log.write(printed)
        if ended.returncode:
            raise EngineError(self._failure(name, f"{Path(command[0]).name} ended with exit code {ended.returncode}"))
        return printed

    def _failure(self, name: str, what: str) -> str:
        log = self.logs / f"{name}.log"
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return "\n    ".join([f"step {name}: {what}; its whole output is in {log} and ends with", *last])


def replace_folder(made: Path, target: Path) -> None:
    """Put a whole new folder into the place of the old one."""
    old = made.with_name(f"{made.name}.old")
    if target.exists():
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def make_step(step: Step, workshop: Workshop) -> None:
    """Make one step unless it is made, and tell its name and seconds."""
    if workshop.is_made(step):
        return
    stamp = workshop.stamps / step.name
    stamp.unlink(missing_ok=True)
    (workshop.logs / f"{step.name}.log").unlink(missing_ok=True)
    tell(f"{step.name} …")
    begin = time.monotonic()
    try:
        step.make()
    except OSError as error:
        raise EngineError(f"step {step.name}: {error}.") from error
    if step.inputs is not None:
        beside = workshop.scratch / f"{step.name}.stamp"
        beside.write_text(step.inputs, encoding="utf-8")
        beside.replace(stamp)
    tell(f"{step.name} done in {time.monotonic() - begin:.1f} s")


def make_side_by_side(lanes: Sequence[Sequence[Step]], workshop: Workshop) -> None:
    """Make the steps of each lane in order, the lanes at once; every lane ends before all their errors are raised."""

    def make_lane(lane: Sequence[Step]) -> None:
        for step in lane:
            try:
                make_step(step, workshop)
            except EngineError:
                tell(f"{step.name} failed")
                raise

    problems = []
    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        for ended in [pool.submit(make_lane, lane) for lane in lanes]:
            try:
                ended.result()
            except EngineError as error:
                problems.append(str(error))
    if problems:
        raise EngineError("\n".join(problems))


def tell(text: str) -> None:
    """Say what happens on standard error, which no caller takes for a result."""
    print(f"engine: {text}", file=sys.stderr, flush=True)
