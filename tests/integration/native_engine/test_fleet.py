"""`native_engine/fleet` as a process, with a script in the place of `dagger`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from native_engine.client import CLI_BIN
from native_engine.fleet_client import DaggerClients
from native_engine.fleet_words import read_words

ROOT = Path(__file__).parents[3]
A, B = "kube-pod://a", "kube-pod://b"
SHARES = {
    "division": {
        "trunk": [{"name": "trunk-1", "images": ["base"]}],
        "branches": [{"name": "branch-1", "images": ["x"]}, {"name": "branch-2", "images": ["y"]}],
        "expected": 60.0,
    }
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that says how calls end."""
    program = tmp_path / "dagger"
    script = Path(__file__).with_name("fake_dagger.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$@"\n')
    program.chmod(0o755)
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "shares.json").write_text(json.dumps(SHARES))
    monkeypatch.setenv("FAKE_DAGGER", str(folder))
    monkeypatch.setenv(CLI_BIN, str(program))
    monkeypatch.chdir(tmp_path)
    return folder


def start(*words: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    command = [*before, str(ROOT / "native_engine" / "fleet"), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*words: str) -> tuple[int, str, str]:
    """Return the exit code and what was printed on both ends."""
    with start(*words) as process:
        printed, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return process.returncode, printed, errors


def calls(fake: Path) -> list[str]:
    file = fake / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_the_trunk_then_the_branches_then_the_table(fake: Path, tmp_path: Path) -> None:
    code, printed, errors = run("--on", A, "--on", B, "--registry", "r/n")
    assert (code, printed) == (0, "the table\n"), errors
    found = calls(fake)
    assert found[:2] == ["divide a", "build-share trunk-1 a"]
    assert sorted(found[2:4]) == ["build-share branch-1 a", "build-share branch-2 b"]
    assert found[4:] == ["gather a"]
    assert f"fleet: branch-2 on {B}: built 1, " in errors
    assert (tmp_path / "report/shares/branch-2/attempt-1/report.json").exists()
    assert (tmp_path / "report/shares/branch-2/attempt-1.log").exists()


def test_the_exit_code_is_that_of_the_run(fake: Path) -> None:
    (fake / "exit-code").write_text("1\n")
    assert run("--on", A)[0:2] == (1, "the table\n")


def test_the_output_of_a_client_without_a_report_is_shown(fake: Path) -> None:
    (fake / "lost").write_text("branch-1 a\n")
    code, _, errors = run("--on", A, "--on", B)
    assert code == 0
    assert (
        "ended without a report after 0 s, exit code 1, full output in report/shares/branch-1/attempt-1.log" in errors
    )
    assert "\n    Error: the call failed\n" in errors
    assert f"branch-1 on {B}: built 1" in errors


def test_gathering_needs_an_engine(fake: Path) -> None:
    (fake / "wait").touch()
    (fake / "lost").write_text("trunk-1 a\n")
    with start("--on", A) as process:
        _until(lambda: calls(fake) == ["divide a"])
        (fake / "dead").write_text("a\n")
        (fake / "wait").unlink()
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert f"{A} does not answer: it gets no more shares" in errors
    assert "fleet: No engine is left to gather the reports. Start them" in errors


def test_nothing_is_called_unless_all_engines_fit(fake: Path, tmp_path: Path) -> None:
    (fake / "dead").write_text("gone\n")
    (fake / "other-version").write_text("old\n")
    (tmp_path / "file").touch()
    code, printed, errors = run(
        *("--on", A, "--on", "kube-pod://a?namespace=x", "--on", "kube-pod://gone", "--on", "kube-pod://old"),
        *("--on", f"unix://{tmp_path}/none", "--on", "tcp://127.0.0.1:1"),
    )
    assert (code, printed, calls(fake)) == (1, "", [])
    assert f"{A} and kube-pod://a?namespace=x are one engine" in errors
    assert "kube-pod://gone does not answer: Error: start engine: connection refused\n" in errors
    assert "kube-pod://old is an engine of version 0.1.0" in errors
    assert f"unix://{tmp_path}/none does not answer: No such file or directory." in errors
    assert "tcp://127.0.0.1:1 does not answer: Connection refused." in errors
    assert not (tmp_path / "report").exists()
    assert [*(fake / "clients/a").iterdir()] == [], "all sessions are closed"


def test_a_folder_that_no_fleet_made_is_kept(fake: Path, tmp_path: Path) -> None:
    (tmp_path / "report/shares").mkdir(parents=True)
    (tmp_path / "report/shares/mine").touch()
    code, _, errors = run("--on", A)
    assert (code, calls(fake)) == (1, [])
    assert "report/shares exists, and no fleet made it: give another folder with -o." in errors
    assert (tmp_path / "report/shares/mine").exists()


def test_what_an_earlier_fleet_left_is_not_taken_for_this_one_s(fake: Path, tmp_path: Path) -> None:
    assert run("--on", A)[0] == 0
    (fake / "lost").write_text("gather a\ntrunk-1 a\n")
    code, printed, _ = run("--on", A)
    assert (code, printed) == (1, "")
    assert not (tmp_path / "report/shares/trunk-1/attempt-1/report.json").exists()
    assert not (tmp_path / "report/exit-code").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_all_clients_are_interrupted_with_the_fleet(fake: Path, tmp_path: Path, name: str) -> None:
    """As a terminal does: with all processes of the group."""
    (fake / "wait").touch()
    with start("--on", A, before=["setsid"]) as process:
        _until(lambda: bool(calls(fake)))
        os.killpg(process.pid, signal.Signals[name])
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Run the same command again to finish." in errors
    logs = [path.read_text() for path in (tmp_path / "report/shares").rglob("*.log")]
    assert [text for text in logs if text] == ["interrupted\n"], "once, and gently"


def test_a_fleet_without_a_terminal_goes_on(fake: Path) -> None:
    (fake / "wait").touch()
    with start("--on", A, before=["nohup"]) as process:
        _until(lambda: bool(calls(fake)))
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)  # as long as it has to end, if it does
        (fake / "wait").unlink()
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0, errors


def test_it_is_interrupted_while_an_engine_does_not_answer(fake: Path) -> None:
    (fake / "silent").write_text("b\n")
    with start("--on", A, "--on", B) as process:
        _until((fake / "connecting").exists)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=20)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert calls(fake) == []


def test_what_it_keeps_is_not_of_the_source_tree(fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree with files that are not committed is not published."""
    subprocess.run(["git", "init", "--quiet", tmp_path / "tree"], check=True)
    monkeypatch.chdir(tmp_path / "tree")
    for function in ("divide", "gather"):
        (fake / "lost").write_text(f"{function} a\n")
        assert run("--on", A)[0] == 1
        status = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True, text=True)
        assert (calls(fake)[-1], status.stdout) == (f"{function} a", "")


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["--on"], 2), (["--on", A, "--only", "x"], 2)])
def test_words(fake: Path, words: list[str], code: int) -> None:
    assert run(*words)[0] == code
    assert calls(fake) == []


def test_it_keeps_the_promises_of_a_client(fake: Path, tmp_path: Path) -> None:
    """What the queue's tests expect of theirs."""
    clients = DaggerClients(read_words(["--on", A, "--on", B]), tmp_path / "kept")
    (fake / "lost").write_text("x a\n")
    ending = clients.build("x", A, 1)
    assert not ending.has_report
    assert ending.text.startswith("ended without a report after 0 s, exit code 1")
    assert clients.build("x", B, 2).has_report
    assert clients.is_up(A)
    (fake / "dead").write_text("a\n")
    assert not clients.is_up(A)
    assert clients.is_up(B)
    clients.stop()
    assert not clients.build("x", B, 3).has_report, "nothing begins after that"


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
