""".ci/free-disk: makes room where GitHub lends the machine and it is short, and nowhere else."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.workflows.harness import ROOT, Answer, Runner
from tests.unit.reports.runs import green

DF = "#!/bin/sh\necho Avail\necho '  {free}'\n"
SUDO = '#!/bin/sh\necho "$@" >> {calls}\nexit {code}\n'


def free_disk(folder: Path, where: str | None, free: str, code: int = 0) -> tuple[str, str]:
    """Run it with a `df` and a `sudo` of the test; return what was printed, and what was called as root."""
    programs = {"df": DF.format(free=free), "sudo": SUDO.format(calls=folder / "calls", code=code)}
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"} | ({"RUNNER_ENVIRONMENT": where} if where else {})
    done = subprocess.run([ROOT / ".ci/free-disk", "60"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    calls = folder / "calls"
    return done.stdout, calls.read_text() if calls.exists() else ""


@pytest.mark.parametrize("code", [0, 1], ids=["", "in vain"])
def test_a_short_disk_of_github_is_cleaned(tmp_path: Path, code: int) -> None:
    printed, calls = free_disk(tmp_path, "github-hosted", "14", code)
    assert printed.startswith("::group::14 GB are free, 60 are wanted\n")
    assert printed.endswith("::endgroup::\n14 GB are free now.\n")
    assert calls.startswith("rm --recursive --force /opt/ghc ")
    assert "/usr/local/lib/android" in calls
    assert calls.count("\n") == 1


@pytest.mark.parametrize(
    ("where", "free", "said"),
    [
        ("github-hosted", "84", "84 GB are free, 60 are wanted"),
        ("github-hosted", "60", "60 GB are free, 60 are wanted"),
        ("github-hosted", "?", "df does not say"),
        ("github-hosted", "", "df does not say"),
        ("self-hosted", "14", "not one of GitHub's own"),
        (None, "14", "not one of GitHub's own"),
    ],
)
def test_nothing_else_is_touched(tmp_path: Path, where: str | None, free: str, said: str) -> None:
    printed, calls = free_disk(tmp_path, where, free)
    assert (printed.startswith("Nothing is deleted: "), said in printed, calls) == (True, True, "")


@pytest.mark.parametrize(("where", "calls"), [("github-hosted", ["sudo"]), ("self-hosted", [])])
def test_a_build_makes_room_first(runner: Runner, where: str, calls: list[str]) -> None:
    df = runner.folder / "programs/df"
    df.write_text(DF.format(free=14))
    df.chmod(0o755)
    answers = {"build-report": Answer(report=runner.report(green()))}
    ended = runner.run("push", "main.yml", environment={"RUNNER_ENVIRONMENT": where}, answers=answers)
    assert (ended.code, ended.names) == (0, [*calls, "build-report", "wiki"])
