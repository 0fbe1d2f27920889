import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from native_engine.processes import (
    ProcessRecord,
    children_of,
    clients_of,
    listener,
    load_record,
    record_of,
    save_record,
    start_of,
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def saved(path: Path, record: ProcessRecord) -> Path:
    save_record(path, record)
    return path


def test_a_running_process_is_found_again(tmp_path: Path) -> None:
    record = record_of(os.getpid(), "as it was started")
    assert record is not None
    assert load_record(saved(tmp_path / "pid", record)) == record


def test_a_reused_pid_is_not_taken_for_the_process_that_had_it(tmp_path: Path) -> None:
    ours = record_of(os.getpid(), "")
    assert ours is not None
    assert load_record(saved(tmp_path / "pid", ours._replace(started=ours.started - 1))) is None


def test_an_ended_process_that_waits_to_be_reaped_does_not_run(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    record = record_of(sleeper.pid, "")
    assert record is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{sleeper.pid}").exists()
    assert load_record(saved(tmp_path / "pid", record)) is None


@pytest.mark.parametrize("content", ["", "1234", "{}", '{"pid": 1, "started": "soon", "fingerprint": ""}', "\0\0"])
def test_a_spoilt_record_is_no_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "pid").write_text(content, encoding="utf-8")
    assert load_record(tmp_path / "pid") is None


def test_there_is_no_start_of_a_process_that_never_was() -> None:
    assert start_of(2**22 + 1) is None


def test_children_of(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in children_of(os.getpid())
    assert os.getpid() not in children_of(sleeper.pid)


def test_only_the_connections_to_a_socket_of_its_own_are_clients_of_a_process(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        assert clients_of(os.getpid(), path) == 0
        client.connect(path)
        accepted, _ = server.accept()
        with accepted:
            assert clients_of(os.getpid(), path) == 1
            assert clients_of(os.getpid(), f"{path}2") == 0
            assert clients_of(os.getppid(), path) == 0
        assert clients_of(os.getpid(), path) == 0
    assert clients_of(2**22 + 1, path) == 0


def test_the_listener_of_a_socket_is_told_and_a_stale_or_missing_one_has_none(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert listener(path) is None
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert listener(path) is None, "bound but not listening"
        server.listen()
        assert listener(path) == os.getpid()
    assert path.exists()
    assert listener(path) is None, "left behind by a process that ended"
