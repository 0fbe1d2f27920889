"""What a machine must have before anything is installed or started on it: every shortcoming is one sentence."""

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
PREFIX_SPACE = 2 * GIB  # half-made files included: 0.4 GB of Go sources, 0.2 of programs, 0.9 of content, 0.2 of mirror
GO_CACHE_SPACE = 3 * GIB
START_SPACE = GIB // 4
LISTENING = "0A"  # in /proc/net/tcp
DNS_PORT = 53


def debian_problem(os_release: str) -> str | None:
    """Judge /etc/os-release; Debian's testing release has no number and is newer than all that have one."""
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    if facts.get("ID") == "debian" and float(facts.get("VERSION_ID") or versions.DEBIAN) >= versions.DEBIAN:
        return None
    name = facts.get("PRETTY_NAME", "an unknown system")
    return (
        f"The native engine needs Debian {versions.DEBIAN} or newer, and this is {name}: use a container runtime here."
    )


def go_problem(command: str | None, version: str) -> str | None:
    """Judge the answer of `go env GOVERSION`."""
    if command is None:
        return f"There is no go command on PATH: install Go {needed_go()} or newer from https://go.dev/dl."
    if go_version(version) < versions.GO:
        return f"{command} is {version or 'unknown'}, too old for the engine: install Go {needed_go()} or newer."
    return None


def space_problem(folder: Path, free: int, needed: int) -> str | None:
    """Judge the free bytes of the file system FOLDER is on."""
    if free >= needed:
        return None
    return (
        f"{folder}: {free / GIB:.1f} GiB are free and {needed / GIB:.1f} GiB needed: make room, or set another folder."
    )


def check_machine(settings: Settings, *, build_programs: bool, build_anything: bool) -> None:
    """Raise an EngineError that names everything that keeps the native engine from being built and started here."""
    problems = [debian_problem(Path("/etc/os-release").read_text(encoding="utf-8"))]
    if build_programs:
        go = find_go()
        problems.append(go_problem(go, _ask([go, "env", "GOVERSION"]) if go else ""))
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
    """Find who has the mirror's port; call it only while the mirror is down."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.mirror_port))
        except OSError:
            owner = owner_of_port(settings.mirror_port) or "another process"
            return (
                f"Port {settings.mirror_port} is in use by {owner}: stop it, or give the mirror another port with "
                f"DAGGER_NATIVE_MIRROR_PORT."
            )
    return None


def dns_problem() -> str | None:
    """Find a DNS server that leaves no address of the machine to the engine's own."""
    owner = owner_of_port(DNS_PORT, "00000000")
    return (
        owner and f"{owner} serves DNS on all addresses of this machine: stop it, or let it bind to its own interfaces."
    )


def owner_of_port(port: int, address: str = "") -> str | None:
    """Name the process that listens on a TCP port, as far as this user may know; ADDRESS is as in /proc/net/tcp."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            on, _, number = local.rpartition(":")
            if state == LISTENING and int(number, 16) == port and address in {"", on}:
                sockets.add(f"socket:[{rest[5]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(entry.readlink()) in sockets for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text(encoding='utf-8').strip()} (process {process.name})"
        except OSError:
            continue
    return None


def check_user() -> None:
    """Raise an EngineError unless this process may do what the native engine takes."""
    others = "start a container runtime, or name an engine with _EXPERIMENTAL_DAGGER_RUNNER_HOST"
    if platform.system() != "Linux":
        raise EngineError(f"The native engine runs on Linux only: {others}.")
    if os.geteuid() != 0:
        raise EngineError(
            f"No container runtime answers `docker info`, and the native engine needs root: {others}, or become root."
        )


def _network_problem(settings: Settings) -> str | None:
    if shutil.which("ip") is None:
        return None  # installed later; a machine without it has no other engine's network either
    try:
        other = overlapping_interface(_ask(["ip", "-o", "-4", "addr"]), settings)
    except ValueError:
        return f"DAGGER_NATIVE_CIDR={settings.cidr}: not a range of IPv4 addresses such as 10.86.0.0/16."
    return (
        other
        and f"The addresses {settings.cidr} are in use on the interface {other}: set others with DAGGER_NATIVE_CIDR."
    )


def _go_caches(go: str) -> list[Path]:
    return [Path(line) for line in _ask([go, "env", "GOCACHE", "GOMODCACHE"]).splitlines()]


def _free(folder: Path) -> int:
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    return shutil.disk_usage(existing).free


def _ask(command: list[str]) -> str:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return ""
