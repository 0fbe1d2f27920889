"""Starts and stops the two processes of the native engine: the mirror and the engine itself."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from native_engine import recipes
from native_engine.content import DIGEST
from native_engine.errors import EngineError
from native_engine.inputs import SERVE, digest_of, engine_arguments, engine_config, fingerprint_of_run, registry_inputs
from native_engine.mirror import mirror_config
from native_engine.network import remove_leftovers, wait_for_bridge
from native_engine.preflight import port_problem
from native_engine.processes import (
    ProcessRecord,
    children_of,
    clients_of,
    listener,
    load_record,
    record_of,
    save_record,
)
from native_engine.settings import Settings
from native_engine.state import ended_gently, move_aside
from native_engine.steps import tell

PATIENCE_TO_START = 120.0
PATIENCE_TO_STOP = 330.0  # the engine itself gives up after 300
PATIENCE_WITH_CLIENTS = 600.0
LAST_LINES = 8
SOCKET_INSIDE = "/run/dagger/engine.sock"  # as the engine calls it in its namespace


def running_engine(settings: Settings) -> ProcessRecord | None:
    """Find the engine by its record or, if that was lost, by its socket."""
    record = load_record(settings.engine_record)
    if record is None and (pid := listener(settings.socket)):
        record = record_of(pid, "")
    return record


def start_mirror(settings: Settings) -> None:
    """Start the mirror unless it runs with the same program and configuration."""
    config = mirror_config(settings)
    fingerprint = digest_of(config, registry_inputs())
    running = load_record(settings.mirror_record)
    if running and running.fingerprint == fingerprint:
        return
    if running:
        stop(running, "mirror")
    if problem := port_problem(settings):
        raise EngineError(problem)
    file = settings.prefix / "mirror.yml"
    file.write_text(config, encoding="utf-8")
    pid = _spawn([settings.registry, "serve", file], settings.logs / "mirror.log", {"PATH": recipes.SYSTEM_PATH})
    record = record_of(pid, fingerprint)
    if record:
        save_record(settings.mirror_record, record)
    _wait(lambda: _answers(settings.mirror_port), record, "mirror", settings)


def start_engine(settings: Settings) -> None:
    """Start the engine in namespaces of its own and wait until it answers."""
    wait_for_bridge(settings)
    remove_leftovers(settings)
    settings.socket.unlink(missing_ok=True)
    if not ended_gently(settings.state):
        tell("the last engine was killed: its cache is lost")
        drop_state(settings)
    (settings.prefix / "engine.json").write_text(engine_config(settings), encoding="utf-8")
    log = settings.logs / "engine.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    apart = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--mount-proc"]
    parent = _spawn(
        [*apart, SERVE, settings.prefix, *engine_arguments(settings)], log, engine_environment(settings, os.environ)
    )
    record = _only_child(parent, fingerprint_of_run(settings))
    if record:
        save_record(settings.engine_record, record)
    _wait(lambda: record is not None and listener(settings.socket) == record.pid, record, "engine", settings)


def engine_environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """Build the engine's environment: what it needs, and of GIVEN only the proxies."""
    return {
        **{name: value for name, value in given.items() if name.upper() in recipes.PASSED_ON},
        **recipes.ENGINE_ENVIRONMENT,
        "HOME": "/root",
        "PATH": f"/run/dagger/bin:{recipes.SYSTEM_PATH}",
        "DAGGER_PYTHON_SDK_MANIFEST_DIGEST": (settings.content / DIGEST).read_text(encoding="utf-8"),
    }


def stop(record: ProcessRecord, name: str) -> None:
    """Ask a process to end and wait until it has: killed, the engine would lose its cache."""
    begin = time.monotonic()
    os.kill(record.pid, signal.SIGTERM)
    while record.alive:
        waited = time.monotonic() - begin
        if waited > PATIENCE_TO_STOP:
            raise EngineError(
                f"The {name} (process {record.pid}) did not end within {waited:.0f} s; its log may say why."
            )
        time.sleep(0.05)


def wait_for_clients(engine: ProcessRecord) -> None:
    """Wait until nobody uses the engine, so that it can be stopped without breaking anyone's build."""
    begin = time.monotonic()
    if clients_of(engine.pid, SOCKET_INSIDE):
        tell("waiting for the clients of the running engine, which was built or started otherwise")
    while clients_of(engine.pid, SOCKET_INSIDE):
        if time.monotonic() - begin > PATIENCE_WITH_CLIENTS:
            raise EngineError(
                f"The running engine (process {engine.pid}) was built or started otherwise and is still in use after "
                f"{PATIENCE_WITH_CLIENTS:.0f} s: end its clients, or stop it with native_engine/native down."
            )
        time.sleep(0.2)


def stop_engine(settings: Settings) -> bool:
    """Stop the engine and clean up after it; False if there was none."""
    record = running_engine(settings)
    if record:
        stop(record, "engine")
    settings.engine_record.unlink(missing_ok=True)
    settings.socket.unlink(missing_ok=True)
    if shutil.which("ip"):
        wait_for_bridge(settings)
        remove_leftovers(settings)
    return record is not None


def drop_state(settings: Settings) -> None:
    """Start over with an empty state; the old one is removed behind our back, as long as that takes."""
    move_aside(settings.state, settings.dropped)
    log = settings.logs / "dropped.log"
    log.parent.mkdir(exist_ok=True)
    _spawn(["nice", "-n", "19", "rm", "-rf", settings.dropped], log, {"PATH": recipes.SYSTEM_PATH})


def stop_mirror(settings: Settings) -> None:
    """Stop the mirror, if it runs."""
    if record := load_record(settings.mirror_record):
        stop(record, "mirror")
    settings.mirror_record.unlink(missing_ok=True)


def _spawn(command: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> int:
    """Start a process that outlives this one and its terminal and holds none of its files."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    process.returncode = 0  # it is not ours to wait for, and must not be reported as forgotten
    return process.pid


def _only_child(parent: int, fingerprint: str) -> ProcessRecord | None:
    deadline = time.monotonic() + PATIENCE_TO_START
    while time.monotonic() < deadline and record_of(parent, ""):
        if children := children_of(parent):
            return record_of(children[0], fingerprint)
        time.sleep(0.01)
    return None


def _wait(ready: Callable[[], bool], record: ProcessRecord | None, name: str, settings: Settings) -> None:
    begin = time.monotonic()
    log = settings.logs / f"{name}.log"
    while not ready():
        if record is None or not record.alive:
            raise EngineError(f"The {name} ended as it started:{_last_lines(log)}")
        if time.monotonic() - begin > PATIENCE_TO_START:
            raise EngineError(f"The {name} does not answer after {PATIENCE_TO_START:.0f} s:{_last_lines(log)}")
        time.sleep(0.02)
    tell(f"{name} up in {time.monotonic() - begin:.1f} s")


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "\n    ".join(["", *lines, f"({log} has all of it)"])


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
