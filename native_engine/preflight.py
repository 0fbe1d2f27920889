"""Checks that this machine can build and run the native engine, before anything is installed or started."""

import os
import platform
import re
import shutil
import socket
import subprocess
from pathlib import Path

from native_engine import versions
from native_engine.binaries import find_go, go_version, needed_go
from native_engine.errors import EngineError
from native_engine.network import overlapping_interface
from native_engine.processes import load_record
from native_engine.settings import Settings

GIB = 1 << 30
PREFIX_SPACE = 2 * GIB  # with temporary files: 0.4 GB Go sources, 0.2 programs, 0.9 content, 0.2 mirror
GO_CACHE_SPACE = 3 * GIB
START_SPACE = GIB // 4
LISTENING = "0A"  # in /proc/net/tcp
DNS_PORT = 53


def debian_problem(os_release: str) -> str | None:
    """Check the text of /etc/os-release. Debian testing has no VERSION_ID and is newer than every numbered release."""
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    if facts.get("ID") == "debian" and float(facts.get("VERSION_ID") or versions.DEBIAN) >= versions.DEBIAN:
        return None
    name = facts.get("PRETTY_NAME", "an unknown system")
    return (
        f"The native engine needs Debian {versions.DEBIAN} or newer; this is {name}. Start a container runtime instead."
    )


def go_problem(command: str | None, version: str) -> str | None:
    """Check the go command; VERSION is the output of `go env GOVERSION`."""
    if command is None:
        return f"go is not on PATH: install Go {needed_go()} or newer from https://go.dev/dl."
    if go_version(version) < versions.GO:
        return (
            f"{command} has version {version or 'unknown'}, too old for the engine: install Go {needed_go()} or newer."
        )
    return None


def space_problem(folder: Path, free: int, needed: int) -> str | None:
    """Check the free bytes of FOLDER's file system."""
    if free >= needed:
        return None
    return (
        f"{folder}: {free / GIB:.1f} GiB free, {needed / GIB:.1f} GiB needed: free some space, or set another folder."
    )


def check_machine(settings: Settings, *, build_programs: bool, build_anything: bool) -> None:
    """Raise an EngineError that lists every reason why the native engine cannot be built or started here."""
    problems = [debian_problem(Path("/etc/os-release").read_text(encoding="utf-8"))]
    if build_programs:
        go = find_go()
        problems.append(go_problem(go, _output([go, "env", "GOVERSION"]) if go else ""))
        if go:
            problems += [space_problem(folder, _free(folder), GO_CACHE_SPACE) for folder in _go_caches(go)]
    needed = PREFIX_SPACE if build_anything else START_SPACE
    problems.append(space_problem(settings.prefix, _free(settings.prefix), needed))
    problems += [_network_problem(settings), dns_problem()]
    if load_record(settings.mirror_record) is None:
        problems.append(port_problem(settings))
    if found := [problem for problem in problems if problem]:
        raise EngineError("\n".join(dict.fromkeys(found)))


def port_problem(settings: Settings) -> str | None:
    """Check that the mirror's port is free; to be called only while the mirror is down."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.mirror_port))
        except OSError:
            owner = owner_of_port(settings.mirror_port) or "another process"
            return (
                f"Port {settings.mirror_port} is in use by {owner}: stop it, or set another port for the mirror with "
                f"DAGGER_NATIVE_MIRROR_PORT."
            )
    return None


def dns_problem() -> str | None:
    """Check that no DNS server listens on all addresses of the machine: the engine's own one could not start."""
    owner = owner_of_port(DNS_PORT, "00000000")
    return owner and f"{owner} serves DNS on all addresses of this machine: stop it, or bind it to certain interfaces."


def owner_of_port(port: int, address: str = "") -> str | None:
    """Return name and pid of the process that listens on a TCP port, if this user may read them.

    ADDRESS, in the notation of /proc/net/tcp, limits the search to one local address.
    """
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            local_address, _, local_port = local.rpartition(":")
            if state == LISTENING and int(local_port, 16) == port and address in {"", local_address}:
                sockets.add(f"socket:[{rest[5]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(entry.readlink()) in sockets for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text(encoding='utf-8').strip()} (process {process.name})"
        except OSError:
            continue
    return None


def check_user() -> None:
    """Raise an EngineError unless this process is root on Linux."""
    alternatives = "start a container runtime, or set _EXPERIMENTAL_DAGGER_RUNNER_HOST to an engine"
    if platform.system() != "Linux":
        raise EngineError(f"The native engine runs only on Linux: {alternatives}.")
    if os.geteuid() != 0:
        raise EngineError(
            f"`docker info` does not answer, and the native engine needs root: {alternatives}, or run as root."
        )


def _network_problem(settings: Settings) -> str | None:
    if shutil.which("ip") is None:
        return None  # installed by a later step; without it, no other engine has a network here either
    try:
        other = overlapping_interface(_output(["ip", "-o", "-4", "addr"]), settings)
    except ValueError:
        return f"DAGGER_NATIVE_CIDR={settings.cidr}: not an IPv4 range such as 10.86.0.0/16."
    return (
        other
        and f"Addresses {settings.cidr} are in use on interface {other}: set another range with DAGGER_NATIVE_CIDR."
    )


def _go_caches(go: str) -> list[Path]:
    return [Path(line) for line in _output([go, "env", "GOCACHE", "GOMODCACHE"]).splitlines()]


def _free(folder: Path) -> int:
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    return shutil.disk_usage(existing).free


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return ""
