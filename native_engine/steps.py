"""Named steps that run only when needed: a stamp records the inputs of a finished step; a failed one has no stamp."""

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

LAST_LINES = 12  # of a failed step's output, shown in the error


class Step(NamedTuple):
    """One part of the installation: the digest of its inputs, and the function that makes it."""

    name: str
    inputs: str | None  # None for a step without a stamp, which runs whenever it is listed
    make: Callable[[], None]


class BuildDir(NamedTuple):
    """The folder in which steps work: stamps, logs and temporary files, on the same file system as their results."""

    prefix: Path

    @property
    def stamps(self) -> Path:
        """One file for each finished step, with the digest of its inputs."""
        return self.prefix / "stamps"

    @property
    def logs(self) -> Path:
        """One file for each step, with the output of its commands."""
        return self.prefix / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files; the holder of the lock may delete them."""
        return self.prefix / "tmp"

    def prepare(self) -> None:
        """Create the folders, and delete the temporary files of a run that was killed."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for folder in (self.stamps, self.logs, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)

    def is_made(self, step: Step) -> bool:
        """Whether the step's result exists and was made from the same inputs."""
        with contextlib.suppress(OSError):
            return (self.stamps / step.name).read_text(encoding="utf-8") == step.inputs
        return False

    @contextlib.contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Create a temporary folder, removed at the end."""
        with tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def run(self, name: str, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str]) -> str:
        """Run a command of step NAME with its output in the step's log; return its standard output."""
        # SYSTEM_PATH, because root without a login shell does not have /usr/sbin on PATH.
        path = f"{env.get('PATH', os.defpath)}{os.pathsep}{SYSTEM_PATH}"
        with (self.logs / f"{name}.log").open("a", encoding="utf-8") as log_file:
            log_file.write(f"$ {' '.join(map(str, command))}\n")
            log_file.flush()
            done = subprocess.run(
                command,
                cwd=cwd,
                env={**env, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_file,
                check=False,
            )
            output = done.stdout.decode(errors="replace")
            log_file.write(output)
        if done.returncode:
            raise EngineError(self._failure(name, f"{Path(command[0]).name} failed with exit code {done.returncode}"))
        return output

    def _failure(self, name: str, problem: str) -> str:
        log_file = self.logs / f"{name}.log"
        last = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return "\n    ".join([f"step {name}: {problem}. Full output: {log_file}. Last lines:", *last])


def replace_folder(new: Path, target: Path) -> None:
    """Move the folder NEW to TARGET, and delete the previous one."""
    old = new.with_name(f"{new.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def make_step(step: Step, build_dir: BuildDir) -> None:
    """Make one step unless it is up to date, and log its name and seconds."""
    if build_dir.is_made(step):
        return
    stamp = build_dir.stamps / step.name
    stamp.unlink(missing_ok=True)
    (build_dir.logs / f"{step.name}.log").unlink(missing_ok=True)
    log(f"{step.name} …")
    begin = time.monotonic()
    try:
        step.make()
    except OSError as error:
        raise EngineError(f"step {step.name}: {error}.") from error
    if step.inputs is not None:
        new = build_dir.scratch / f"{step.name}.stamp"
        new.write_text(step.inputs, encoding="utf-8")
        new.replace(stamp)
    log(f"{step.name} done in {time.monotonic() - begin:.1f} s")


def make_in_parallel(groups: Sequence[Sequence[Step]], build_dir: BuildDir) -> None:
    """Make the groups in parallel, the steps of each in order; when all groups have ended, raise all their errors."""

    def make_group(group: Sequence[Step]) -> None:
        for step in group:
            try:
                make_step(step, build_dir)
            except EngineError:
                log(f"{step.name} failed")
                raise

    problems = []
    with ThreadPoolExecutor(max_workers=len(groups)) as pool:
        for future in [pool.submit(make_group, group) for group in groups]:
            try:
                future.result()
            except EngineError as error:
                problems.append(str(error))
    if problems:
        raise EngineError("\n".join(problems))


def log(text: str) -> None:
    """Print progress on standard error: standard output is for results."""
    print(f"engine: {text}", file=sys.stderr, flush=True)
