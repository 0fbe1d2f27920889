"""Runs the workflows of this repository on this machine: real act, real git, real scripts, without GitHub and Docker.

Dagger and `gh` are the only programs that are stood in for, by `recorder.py`. act has no environments, permissions,
concurrency and timeouts; tests/repo/test_workflows.py reads those in the files.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ci.reports.folder import render_folder
from ci.results import RunReport
from native_engine.client import CLI_BIN, RUNNER_HOST
from tests.integration.adapters.git.repository import Repository
from tests.integration.workflows.act_log import ActLog, Command, commands_in, read_log
from tests.integration.workflows.recorder import __file__ as recorder_file
from tests.programs import act

ROOT = Path(__file__).parents[3]
ACTIONS = Path(__file__).parent / "actions"
SECRETS = {
    "REGISTRY_USERNAME": "robot-of-tests",
    "REGISTRY_PASSWORD": "kept-quiet-5512",
    "GPU_SSH_KEY": "-----BEGIN KEY-----\nkept-quiet-7731\n-----END KEY-----",
    "GITHUB_TOKEN": "kept-quiet-9904",
}
"""Those that a run has unless a test says otherwise."""
# act and actionlint do not know it yet.
UNKNOWN_LINE = re.compile(r"^ +queue: max(?: #.*)?\n", re.MULTILINE)
_USES = re.compile(r"uses: (actions/([a-z-]+)@[0-9a-f]{40})")
PARTS = (".github", ".ci", ".gitignore", "native_engine", "daggerw", "CHANGELOG.md", "pyproject.toml", "images")
"""What workflows use of this repository, Dagger's module aside."""
STAND_INS = ("gh", "sudo", "dagger")
# The shell of steps, which also keeps what they print: act 0.2.89 drops the last output of a step that fails, since it
# does not wait for it (HostEnvironment.exec). And on GitHub, too, steps print to a pipe; act gives them a terminal.
_BASH = """\
#!/bin/bash
if [ -n "${{OF_A_STEP:-}}" ]; then exec /bin/bash "$@"; fi
export OF_A_STEP=true
set -o pipefail
/bin/bash "$@" < /dev/null 2>&1 | tee -a {output}
"""
_OF_A_RUN = ("GITHUB_", "ACTIONS_", "RUNNER_")
_LIMIT = 600  # seconds, of a run that takes two, or a minute on an engine


class Answer(NamedTuple):
    """How a program answers: exit code, output, the folder that it gives to `-o`, and seconds until then."""

    code: int = 0
    prints: str = ""
    says: str = ""
    report: str = ""
    seconds: float = 0


class Recorded(NamedTuple):
    """A call of a program: its name (a Dagger function, `gh pr create`), words, environment, and the files it read."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    read: str

    def option(self, name: str) -> str | None:
        """Return the value of `--name=value`, None without it."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"--{name}=")), None)


class Ended(NamedTuple):
    """A run that ended. `kept` has the artifacts as folders, `raw` is what act wrote, `output` what steps printed."""

    code: int
    log: ActLog
    calls: Sequence[Recorded]
    kept: Path
    raw: str
    output: str

    @property
    def commands(self) -> Sequence[Command]:
        """What was printed for GitHub: annotations, and whatever else it would take for a command."""
        return commands_in(self.output)

    @property
    def names(self) -> Sequence[str]:
        """The calls, in order."""
        return [call.name for call in self.calls]

    def call(self, name: str) -> Recorded:
        """Return the only call of a name."""
        (found,) = [call for call in self.calls if call.name == name]
        return found

    def job(self, name: str) -> str:
        """Return how a job ended; act is silent on those that were skipped."""
        return self.log.jobs.get(name, "skipped")


class Runner:
    """A repository like this one, and a machine on which its workflows run.

    Its tree has the files of `parts`, as they are now; `stand_ins` are the programs that only write down their calls.
    All runs keep their artifacts in one folder, as the attempts of one run do.
    """

    def __init__(self, folder: Path, parts: Sequence[str] = PARTS, stand_ins: Sequence[str] = STAND_INS) -> None:
        self.folder = folder
        self.repository = copy_tree(folder / "tree", parts)
        self.kept = folder / "kept"
        self.kept.mkdir()
        programs = folder / "programs"
        programs.mkdir()
        _write_program(programs / "bash", _BASH.format(output=folder / "output.txt"))
        for name in stand_ins:
            _stand_in(programs / name, folder, name)
        _stand_in(self.repository.root / "check", folder, "check")
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KEPT": str(self.kept),
            "GITHUB_REPOSITORY": "owner/stack",
            "RUNNER_ENVIRONMENT": "self-hosted",
        }
        if "dagger" in stand_ins:
            # An engine that is given is not looked for, and none is brought up: `daggerw` execs the command at once.
            self.environment |= {CLI_BIN: str(programs / "dagger"), RUNNER_HOST: "unix:///stood-in-for"}
        self.repository.commit()

    def report(self, report: RunReport) -> str:
        """Write a report as the product does; return its folder."""
        files = render_folder(report)
        root = self.folder / f"report-{report.exit_code}"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return str(root)

    def run(  # noqa: PLR0913 (what a run of a workflow depends on)
        self,
        event: str,
        file: str,
        *,
        ref: str = "refs/heads/main",
        inputs: Mapping[str, object] | None = None,
        payload: Mapping[str, object] | None = None,
        secrets: Mapping[str, str] = SECRETS,
        variables: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        answers: Mapping[str, Answer] | None = None,
        interrupt_at: str = "",
    ) -> Ended:
        """Run one workflow for an event. `interrupt_at` is the call during which the run is cancelled."""
        answering = {name: answer._asdict() for name, answer in (answers or {}).items()}
        (self.folder / "answers.json").write_text(json.dumps(answering))
        for name in ("calls.jsonl", "output.txt"):
            (self.folder / name).write_text("")
        (self.folder / "event.json").write_text(json.dumps({**(payload or {}), "inputs": dict(inputs or {})}))
        given = {**self.environment, "GITHUB_REF": ref, **(environment or {})}
        words = [str(act()), event, "--json", "--workflows", f".github/workflows/{file}"]
        words += ["--eventpath", str(self.folder / "event.json"), "--platform", "ubuntu-24.04=-self-hosted"]
        words += [word for name, value in secrets.items() for word in ("--secret", f"{name}={value}")]
        words += [word for name, value in (variables or {}).items() for word in ("--var", f"{name}={value}")]
        words += [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        words += [word for stand_in in self._actions() for word in ("--local-repository", stand_in)]
        code, raw = self._act(words, interrupt_at)
        calls = [Recorded(**json.loads(line)) for line in (self.folder / "calls.jsonl").read_text().splitlines()]
        return Ended(code, read_log(raw), calls, self.kept, raw, (self.folder / "output.txt").read_text())

    def _act(self, words: Sequence[str], interrupt_at: str) -> tuple[int, str]:
        # Steps get the environment of act, too: nothing of a workflow in which these tests themselves run.
        own = {name: value for name, value in os.environ.items() if not name.startswith(_OF_A_RUN)}
        environment = {**own, "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache")}
        pipe, out = subprocess.PIPE, subprocess.STDOUT
        root = self.repository.root
        with subprocess.Popen(words, cwd=root, env=environment, stdout=pipe, stderr=out, text=True) as process:
            try:
                if interrupt_at:
                    self._interrupt(process, interrupt_at)
                raw, _ = process.communicate(timeout=_LIMIT)
            except BaseException:
                process.kill()
                raise
        return process.returncode, raw

    def _interrupt(self, process: "subprocess.Popen[str]", call: str) -> None:
        """Cancel a run, as Ctrl-C does, once it has come to a call."""
        deadline = time.monotonic() + _LIMIT
        while process.poll() is None and time.monotonic() < deadline:
            if f'"name": "{call}"' in (self.folder / "calls.jsonl").read_text():
                process.send_signal(signal.SIGINT)
                return
            time.sleep(0.05)

    def _actions(self) -> Sequence[str]:
        """Return the actions that are stood in for, in the versions that the workflows have."""
        texts = [file.read_text() for file in (self.repository.root / ".github/workflows").iterdir()]
        used = {(found[1], found[2]) for text in texts for found in _USES.finditer(text)}
        return [f"{action}={ACTIONS / name}" for action, name in sorted(used) if (ACTIONS / name).exists()]


def copy_tree(root: Path, parts: Sequence[str]) -> Repository:
    """Copy parts of this repository, as they are now, into a repository of their own, without a commit."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *parts]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for file in (root / ".github/workflows").iterdir():
        file.write_text(UNKNOWN_LINE.sub("", file.read_text()))
    return Repository.new(root)


def _stand_in(path: Path, folder: Path, name: str) -> None:
    words = shlex.join([sys.executable, str(recorder_file), str(folder), name])
    _write_program(path, f'#!/bin/sh\nexec {words} "$@"\n')


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
