"""Records of the processes we started: pid and start time, so that a reused pid is not mistaken for one of them."""

import contextlib
import json
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple


class ProcessRecord(NamedTuple):
    """One process we started, and the fingerprint of what it was started with."""

    pid: int
    started: int  # clock ticks after boot
    fingerprint: str

    @property
    def alive(self) -> bool:
        """Whether this process is still running; a zombie is not."""
        return start_of(self.pid) == self.started


def start_of(pid: int) -> int | None:
    """Return the start time of a running process, in clock ticks after boot."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name in parentheses may contain any character
    return None if state in "ZX" else int(fields[18])


def record_of(pid: int, fingerprint: str) -> ProcessRecord | None:
    """Return the record of a running process."""
    started = start_of(pid)
    return None if started is None else ProcessRecord(pid, started, fingerprint)


def load_record(path: Path) -> ProcessRecord | None:
    """Return the record if its process is still running; None for a missing, invalid or stale file."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        record = ProcessRecord(int(fields["pid"]), int(fields["started"]), str(fields["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if record.alive else None


def save_record(path: Path, record: ProcessRecord) -> None:
    """Write a record atomically."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(record._asdict()), encoding="utf-8")
    new.replace(path)


def listener(path: Path) -> int | None:
    """Return the pid of the process that listens on a Unix socket; None for a missing or stale socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return None
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def clients_of(pid: int, path: str) -> int:
    """Count the connections that process PID has accepted on the Unix socket PATH."""
    connected = "03"  # in the column St
    open_files = _open_files(pid)
    try:
        table = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return 0
    rows = [line.split(maxsplit=7) for line in table if line.endswith(f" {path}")]
    return sum(row[5] == connected and f"socket:[{row[6]}]" in open_files for row in rows)


def children_of(pid: int) -> list[int]:
    """Return the pids of a process's direct children."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                stat = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if stat.rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.name))
    return found


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed in the meantime
                found.add(str(entry.readlink()))
    return found
