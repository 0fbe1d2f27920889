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
from native_engine.content import DIGEST_FILE
from native_engine.errors import EngineError
from native_engine.inputs import SERVE, digest_of, engine_arguments, engine_config, fingerprint_of_run, registry_inputs
from native_engine.mirror import mirror_config
from native_engine.network import remove_stale_network, wait_for_bridge
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
from native_engine.state import move_aside, shut_down_cleanly
from native_engine.steps import log

START_TIMEOUT = 120.0  # seconds, as all of these
STOP_TIMEOUT = 330.0  # the engine's own timeout is 300
CLIENTS_TIMEOUT = 600.0
LAST_LINES = 8
SOCKET_INSIDE = "/run/dagger/engine.sock"  # as the engine sees it in its mount namespace


def running_engine(settings: Settings) -> ProcessRecord | None:
    """Find the engine by its record or, without a record, by its socket."""
    record = load_record(settings.engine_record)
    if record is None and (pid := listener(settings.socket)):
        record = record_of(pid, "")
    return record


def start_mirror(settings: Settings) -> None:
    """Start the mirror unless it is already running with the same program and configuration."""
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
    _wait(lambda: _accepts_connections(settings.mirror_port), record, "mirror", settings)


def start_engine(settings: Settings) -> None:
    """Start the engine in its own namespaces and wait until it accepts connections."""
    wait_for_bridge(settings)
    remove_stale_network(settings)
    settings.socket.unlink(missing_ok=True)
    if not shut_down_cleanly(settings.state):
        log("the previous engine was killed: its cache is lost")
        drop_state(settings)
    (settings.prefix / "engine.json").write_text(engine_config(settings), encoding="utf-8")
    log_file = settings.logs / "engine.log"
    if log_file.exists():
        log_file.replace(log_file.with_suffix(".log.1"))
    unshare = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--mount-proc"]
    parent = _spawn(
        [*unshare, SERVE, settings.prefix, *engine_arguments(settings)],
        log_file,
        engine_environment(settings, os.environ),
    )
    record = _only_child(parent, fingerprint_of_run(settings))
    if record:
        save_record(settings.engine_record, record)
    _wait(lambda: record is not None and listener(settings.socket) == record.pid, record, "engine", settings)


def engine_environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's environment: its own variables, and from GIVEN only the proxies."""
    return {
        **{name: value for name, value in given.items() if name.upper() in recipes.PROXY_VARIABLES},
        **recipes.ENGINE_ENVIRONMENT,
        "HOME": "/root",
        "PATH": f"/run/dagger/bin:{recipes.SYSTEM_PATH}",
        "DAGGER_PYTHON_SDK_MANIFEST_DIGEST": (settings.content / DIGEST_FILE).read_text(encoding="utf-8"),
    }


def stop(record: ProcessRecord, name: str) -> None:
    """Send SIGTERM and wait for the end of the process: an engine that is killed loses its cache."""
    begin = time.monotonic()
    os.kill(record.pid, signal.SIGTERM)
    while record.alive:
        waited = time.monotonic() - begin
        if waited > STOP_TIMEOUT:
            raise EngineError(f"The {name} (process {record.pid}) did not stop within {waited:.0f} s: see its log.")
        time.sleep(0.05)


def wait_for_clients(engine: ProcessRecord) -> None:
    """Wait until the engine has no clients, so that stopping it breaks no build."""
    begin = time.monotonic()
    if clients_of(engine.pid, SOCKET_INSIDE):
        log("waiting for the clients of the running engine, which has another build or other settings")
    while clients_of(engine.pid, SOCKET_INSIDE):
        if time.monotonic() - begin > CLIENTS_TIMEOUT:
            raise EngineError(
                f"The running engine (process {engine.pid}) has another build or other settings, and is still in use "
                f"after {CLIENTS_TIMEOUT:.0f} s: stop its clients, or stop it with native_engine/native down."
            )
        time.sleep(0.2)


def stop_engine(settings: Settings) -> bool:
    """Stop the engine and remove its network; return False if no engine was running."""
    record = running_engine(settings)
    if record:
        stop(record, "engine")
    settings.engine_record.unlink(missing_ok=True)
    settings.socket.unlink(missing_ok=True)
    if shutil.which("ip"):
        wait_for_bridge(settings)
        remove_stale_network(settings)
    return record is not None


def drop_state(settings: Settings) -> None:
    """Start over with an empty state; the old one is removed in the background, which can take minutes."""
    move_aside(settings.state, settings.dropped)
    log_file = settings.logs / "dropped.log"
    log_file.parent.mkdir(exist_ok=True)
    _spawn(["nice", "-n", "19", "rm", "-rf", settings.dropped], log_file, {"PATH": recipes.SYSTEM_PATH})


def stop_mirror(settings: Settings) -> None:
    """Stop the mirror, if it is running."""
    if record := load_record(settings.mirror_record):
        stop(record, "mirror")
    settings.mirror_record.unlink(missing_ok=True)


def _spawn(command: Sequence[str | Path], log_file: Path, environment: Mapping[str, str]) -> int:
    """Start a process that outlives this one and its terminal, and inherits none of its files."""
    with log_file.open("ab") as output:
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
    process.returncode = 0  # we never wait for it; without this, Popen warns about it
    return process.pid


def _only_child(parent: int, fingerprint: str) -> ProcessRecord | None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and record_of(parent, ""):
        if children := children_of(parent):
            return record_of(children[0], fingerprint)
        time.sleep(0.01)
    return None


def _wait(ready: Callable[[], bool], record: ProcessRecord | None, name: str, settings: Settings) -> None:
    begin = time.monotonic()
    log_file = settings.logs / f"{name}.log"
    while not ready():
        if record is None or not record.alive:
            raise EngineError(f"The {name} exited during startup:{_last_lines(log_file)}")
        if time.monotonic() - begin > START_TIMEOUT:
            raise EngineError(f"The {name} does not answer after {START_TIMEOUT:.0f} s:{_last_lines(log_file)}")
        time.sleep(0.02)
    log(f"{name} up in {time.monotonic() - begin:.1f} s")


def _last_lines(log_file: Path) -> str:
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "\n    ".join(["", *lines, f"(full log: {log_file})"])


def _accepts_connections(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
