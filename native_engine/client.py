"""Makes sure of an engine and tells clients how to reach it: what `daggerw`, `check` and the engine tests share."""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from native_engine import versions
from native_engine.choice import Cli, CliFacts, Engine, choose_cli, choose_engine, version_in
from native_engine.errors import EngineError
from native_engine.inputs import fingerprint_of_run
from native_engine.processes import listener, load_record
from native_engine.settings import Settings, read_settings

RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
DOWNLOAD_URL = "DAGGER_DOWNLOAD_URL"
RUNTIME_PATIENCE = 5.0  # seconds for `docker info`; a daemon that is up answers in 0.1
QUIET = {"DAGGER_NO_NAG": "1", "DO_NOT_TRACK": "1", "DAGGER_NO_UPDATE_CHECK": "1"}


def client_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make sure of an engine and return ENVIRONMENT (this process's, by default) as its clients need it.

    May build and start the native engine, which takes minutes the first time; an EngineError says why there is none.
    """
    given = os.environ if environment is None else environment
    settings = read_settings(given)
    up = not given.get(RUNNER_HOST) and is_current(settings)
    match choose_engine(given.get(RUNNER_HOST, ""), lambda: _runtime_answers(given, native_up=up)):
        case Engine.NATIVE:
            if not up:
                _bring_up(settings)
            return native_environment(given, settings)
        case engine:
            return _with_cli(given, _find_cli(engine, given, settings), settings)


def native_environment(given: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Add to GIVEN what clients of the native engine need; the engine is not touched."""
    named = {**given, RUNNER_HOST: settings.runner_host}
    return _with_cli(named, _find_cli(Engine.NATIVE, named, settings), settings)


def is_current(settings: Settings) -> bool:
    """Whether the native engine is up, and what runs there is what this checkout would build and start."""
    record = load_record(settings.engine_record)
    return (
        record is not None
        and record.fingerprint == fingerprint_of_run(settings)
        and listener(settings.socket) == record.pid
    )


def _with_cli(given: Mapping[str, str], cli: str, settings: Settings) -> dict[str, str]:
    environment = {**QUIET, **given, CLI_BIN: cli}
    if cli == str(settings.cli):
        # The kit's command draws no live display: the library for it cannot be had, so a stand-in takes its place.
        environment.setdefault("DAGGER_PROGRESS", "plain")
        path = given.get("PATH", os.defpath)
        if str(settings.binaries) not in path.split(os.pathsep):
            environment["PATH"] = f"{settings.binaries}{os.pathsep}{path}"
    return environment


def _bring_up(settings: Settings) -> None:
    # Only the slow way needs subprocesses, threads and the rest, whose imports cost more than the whole quick way.
    from native_engine.native import bring_up  # noqa: PLC0415

    bring_up(settings)


def _runtime_answers(environment: Mapping[str, str], *, native_up: bool) -> bool:
    """Ask `docker info`; where the native engine is up, only if something listens where Docker does (saves 0.1 s)."""
    docker = shutil.which("docker", path=environment.get("PATH"))
    if docker is None or (native_up and not _docker_listens(environment)):
        return False
    import subprocess  # noqa: PLC0415 (20 ms that the quick way need not pay)

    quiet = subprocess.DEVNULL
    command = [docker, "info", "--format", "{{.ServerVersion}}"]
    try:
        asked = subprocess.run(
            command, env=environment, stdin=quiet, capture_output=True, timeout=RUNTIME_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and asked.stdout.strip() != b""


def _docker_listens(environment: Mapping[str, str]) -> bool:
    address = environment.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not address.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        return client.connect_ex(address.removeprefix("unix://")) == 0


def _find_cli(engine: Engine, environment: Mapping[str, str], settings: Settings) -> str:
    named, on_path = environment.get(CLI_BIN, ""), shutil.which("dagger", path=environment.get("PATH"))
    facts = CliFacts(named, on_path, _version_of, settings.cli.exists())
    match choose_cli(engine, facts, versions.ENGINE):
        case Cli.NAMED:
            command = shutil.which(named, path=environment.get("PATH"))
            if command is None:
                raise EngineError(f"{CLI_BIN}={named}: there is no such command.")
            return command
        case Cli.PATH:
            return str(on_path)
        case Cli.KIT:
            return str(settings.cli)
        case Cli.FETCHED:
            return str(_fetch(environment))


def _version_of(command: str) -> str:
    import subprocess  # noqa: PLC0415 (as above)

    try:
        answer = subprocess.run([command, "version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return version_in(answer)


def _fetch(environment: Mapping[str, str]) -> Path:
    from native_engine.download import DEFAULT_URL, fetch_cli  # noqa: PLC0415 (only the first call needs HTTP and archives)

    caches = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".cache")
    cache = Path(caches) / "daggerw"
    if not (cache / f"dagger-{versions.ENGINE}" / "dagger").exists():
        print(f"daggerw: fetching dagger v{versions.ENGINE} into {cache}", file=sys.stderr)
    return fetch_cli(environment.get(DOWNLOAD_URL) or DEFAULT_URL, versions.ENGINE, cache)
