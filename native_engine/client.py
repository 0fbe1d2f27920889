"""Finds an engine and a `dagger` command, and builds the environment in which clients use them.

`daggerw` and the end-to-end tests start here. A `daggerw` that finds the native engine running spends its time on
imports, so this module imports what only the slower ways need inside the functions that need it.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from native_engine import versions
from native_engine.errors import EngineError
from native_engine.inputs import fingerprint_of_run
from native_engine.processes import listener, load_record
from native_engine.settings import Settings, read_settings

RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
DOWNLOAD_URL = "DAGGER_DOWNLOAD_URL"
DOCKER_TIMEOUT = 5.0  # seconds for `docker info`; a running daemon answers in 0.1
VERSION_TIMEOUT = 10.0  # seconds for `dagger version`
QUIET = {"DAGGER_NO_NAG": "1", "DO_NOT_TRACK": "1", "DAGGER_NO_UPDATE_CHECK": "1"}


def client_environment(
    bring_up: Callable[[Settings], None], environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Find or start an engine and return ENVIRONMENT (by default that of this process) as its clients need it.

    The engine that RUNNER_HOST sets comes first, then a container runtime, then the native engine. BRING_UP builds and
    starts the native engine, which takes minutes the first time. An EngineError says why no engine can be used.
    """
    given = os.environ if environment is None else environment
    settings = read_settings(given)
    if given.get(RUNNER_HOST):
        return _with_cli(given, _find_cli(given, settings), settings)
    native_is_up = is_current(settings)
    if _docker_answers(given, native_is_up=native_is_up):
        return _with_cli(given, _find_cli(given, settings), settings)
    if not native_is_up:
        bring_up(settings)
    return native_environment(given, settings)


def native_environment(given: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Add to GIVEN what clients of the native engine need, without starting the engine."""
    cli = _chosen_cli(given) or str(settings.cli)
    return _with_cli({**given, RUNNER_HOST: settings.runner_host}, cli, settings)


def is_current(settings: Settings) -> bool:
    """Whether the native engine is running, built and started exactly as this checkout and SETTINGS would do it."""
    record = load_record(settings.engine_record)
    return (
        record is not None
        and record.fingerprint == fingerprint_of_run(settings)
        and listener(settings.socket) == record.pid
    )


def version_in(output: str) -> str:
    """Extract the version from the output of `dagger version`: "dagger v0.21.8 (…) linux/amd64"."""
    words = output.split()
    return words[1].removeprefix("v") if len(words) > 1 and words[0] == "dagger" else ""


def _with_cli(given: Mapping[str, str], cli: str, settings: Settings) -> dict[str, str]:
    environment = {**QUIET, **given, CLI_BIN: cli}
    is_native = cli == str(settings.cli)
    # Dagger's default without a terminal is `plain`: every call of the engine, thousands of lines for a stack. The
    # natively built command has no live display on a terminal either: a stub replaces the display's library, which is
    # not on the module proxy.
    if is_native or not sys.stderr.isatty():
        environment.setdefault("DAGGER_PROGRESS", "logs")
    if is_native:
        path = given.get("PATH", os.defpath)
        if str(settings.binaries) not in path.split(os.pathsep):
            environment["PATH"] = f"{settings.binaries}{os.pathsep}{path}"
    return environment


def _docker_answers(environment: Mapping[str, str], *, native_is_up: bool) -> bool:
    """Run `docker info`; if the native engine is up, only if something listens on Docker's socket (saves 0.1 s)."""
    docker = shutil.which("docker", path=environment.get("PATH"))
    if docker is None or (native_is_up and not _docker_listens(environment)):
        return False
    import subprocess  # noqa: PLC0415 (takes 20 ms to import)

    null = subprocess.DEVNULL
    command = [docker, "info", "--format", "{{.ServerVersion}}"]
    try:
        done = subprocess.run(
            command, env=environment, stdin=null, capture_output=True, timeout=DOCKER_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() != b""


def _docker_listens(environment: Mapping[str, str]) -> bool:
    address = environment.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not address.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        return client.connect_ex(address.removeprefix("unix://")) == 0


def _find_cli(environment: Mapping[str, str], settings: Settings) -> str:
    """Return the command that CLI_BIN sets, or one of the pinned version: from PATH, natively built, or downloaded."""
    if chosen := _chosen_cli(environment):
        return chosen
    on_path = shutil.which("dagger", path=environment.get("PATH"))
    if on_path and _version_of(on_path) == versions.ENGINE:
        return on_path
    return str(settings.cli if settings.cli.exists() else _download(environment))


def _chosen_cli(environment: Mapping[str, str]) -> str | None:
    chosen = environment.get(CLI_BIN)
    if not chosen:
        return None
    command = shutil.which(chosen, path=environment.get("PATH"))
    if command is None:
        raise EngineError(f"{CLI_BIN}={chosen}: command not found.")
    return command


def _version_of(command: str) -> str:
    import subprocess  # noqa: PLC0415 (takes 20 ms to import)

    try:
        done = subprocess.run(
            [command, "version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return version_in(done.stdout)


def _download(environment: Mapping[str, str]) -> Path:
    from native_engine.download import DEFAULT_URL, fetch_cli  # noqa: PLC0415 (imports HTTP and archives)

    cache_home = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".cache")
    cache = Path(cache_home) / "daggerw"
    if not (cache / f"dagger-{versions.ENGINE}" / "dagger").exists():
        print(f"daggerw: downloading dagger v{versions.ENGINE} into {cache}", file=sys.stderr)
    return fetch_cli(environment.get(DOWNLOAD_URL) or DEFAULT_URL, versions.ENGINE, cache)
