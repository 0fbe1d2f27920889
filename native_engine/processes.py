"""Which processes are ours: a record is a pid with the moment of its start, so a reused pid is not taken for it."""

import contextlib
import json
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple


class ProcessRecord(NamedTuple):
    """One process we started, and a fingerprint of what it was started with."""

    pid: int
    started: int  # clock ticks after the machine's boot
    fingerprint: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; one that only waits to be reaped does not."""
        return start_of(self.pid) == self.started


def start_of(pid: int) -> int | None:
    """Read when a running process started, in clock ticks after boot."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before the last bracket may hold anything
    return None if state in "ZX" else int(fields[18])


def record_of(pid: int, fingerprint: str) -> ProcessRecord | None:
    """Describe a process that runs now."""
    started = start_of(pid)
    return None if started is None else ProcessRecord(pid, started, fingerprint)


def load_record(path: Path) -> ProcessRecord | None:
    """Read the record of a process that still runs; a missing, spoilt or stale file is no record."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        record = ProcessRecord(int(fields["pid"]), int(fields["started"]), str(fields["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if record.alive else None


def save_record(path: Path, record: ProcessRecord) -> None:
    """Write a record so that a reader sees the old file or the new one, whole."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(record._asdict()), encoding="utf-8")
    beside.replace(path)


def listener(path: Path) -> int | None:
    """Connect to a Unix socket and tell the pid that listens there; None for a missing or stale socket."""
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
    """Count the connections that process PID has accepted on the Unix socket it bound to PATH."""
    connected = "03"  # in the column St
    held = _open_files(pid)
    try:
        table = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return 0
    rows = [line.split(maxsplit=7) for line in table if line.endswith(f" {path}")]
    return sum(row[5] == connected and f"socket:[{row[6]}]" in held for row in rows)


def children_of(pid: int) -> list[int]:
    """List the direct children of a process."""
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
