import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from native_engine.processes import children_of, clients_of, listener, load_record, record_of, save_record


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_zombie_is_not_running(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    record = record_of(sleeper.pid, "")
    assert record is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{sleeper.pid}").exists()
    save_record(tmp_path / "pid", record)
    assert load_record(tmp_path / "pid") is None


def test_only_direct_children_are_listed(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in children_of(os.getpid())
    assert os.getpid() not in children_of(sleeper.pid)


def test_only_connections_to_its_own_socket_are_clients_of_a_process(tmp_path: Path) -> None:
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


def test_a_socket_has_a_listener_unless_it_is_stale_or_missing(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert listener(path) is None
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert listener(path) is None, "bound but not listening"
        server.listen()
        assert listener(path) == os.getpid()
    assert path.exists()
    assert listener(path) is None, "left behind by a process that ended"
