"""Builds, starts, stops and describes the native engine as a whole."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial

from native_engine import inputs, versions
from native_engine.binaries import STEP as BINARIES_STEP
from native_engine.binaries import build_binaries
from native_engine.client import is_current
from native_engine.content import BASE_STEP, SDK_STEP, make_module_base, pack_content
from native_engine.lock import locked
from native_engine.mirror import IMAGE_STEP, push_base_image
from native_engine.packages import REGISTRY_STEP, install_packages, missing_packages, unpack_registry
from native_engine.packages import STEP as PACKAGES_STEP
from native_engine.preflight import check_machine, check_user
from native_engine.processes import load_record
from native_engine.recipes import BASE_PACKAGES
from native_engine.rootfs import make_rootfs
from native_engine.services import (
    drop_state,
    running_engine,
    start_engine,
    start_mirror,
    stop_engine,
    stop_mirror,
    wait_for_clients,
)
from native_engine.settings import Settings
from native_engine.steps import BuildDir, Step, log, make_in_parallel

CREATED_FOLDERS = ("bin", "content", "registry", "mirror", "stamps", "logs", "tmp", "layers", "state", "dropped")
CREATED_FILES = (
    "engine.json", "engine.pid", "engine.sock", "mirror.yml", "module-base.tar", "mirror.pid", "lock",
)  # fmt: skip


def bring_up(settings: Settings) -> None:
    """Build what is missing or out of date and start what is down; do nothing if the engine is up to date."""
    if is_current(settings):
        return
    check_user()
    with locked(settings.prefix, "build and start the engine"):
        if is_current(settings):
            return  # the previous holder of the lock has done it
        build_dir = BuildDir(settings.prefix)
        groups = _parallel_groups(settings, build_dir)
        to_make = [step for group in groups for step in group if not build_dir.is_made(step)]
        check_machine(
            settings,
            build_programs=any(step.name == BINARIES_STEP for step in to_make),
            build_anything=bool(to_make),
        )
        build_dir.prepare()
        make_in_parallel(groups, build_dir)
        start_mirror(settings)
        if running := running_engine(settings):
            wait_for_clients(running)
            log("stopping the running engine, which has another build or other settings")
            stop_engine(settings)
        start_engine(settings)


def take_down(settings: Settings) -> None:
    """Stop the engine cleanly, which keeps its cache, and the mirror."""
    with locked(settings.prefix, "stop the engine"):
        log("stopped" if stop_engine(settings) else "was not running")
        stop_mirror(settings)


def reset(settings: Settings, *, everything: bool) -> None:
    """Stop the engine and delete its state, or everything that was created below the prefix."""
    with locked(settings.prefix, "delete the engine's state"):
        stop_engine(settings)
        if not everything:
            drop_state(settings)
            log("stopped; cache deleted")
            return
        stop_mirror(settings)
        for name in CREATED_FOLDERS:
            shutil.rmtree(settings.prefix / name, ignore_errors=True)
        for name in CREATED_FILES:
            (settings.prefix / name).unlink(missing_ok=True)
    if not any(settings.prefix.iterdir()):
        settings.prefix.rmdir()
    log("stopped; everything deleted")


def describe(settings: Settings) -> Iterator[str]:
    """Describe the state of each process and each step in one line."""
    engine, mirror = running_engine(settings), load_record(settings.mirror_record)
    if engine:
        outdated = "" if is_current(settings) else ", with another build or other settings: `up` restarts it"
        yield f"engine     up, process {engine.pid}, {settings.runner_host}, v{versions.ENGINE}{outdated}"
    else:
        yield "engine     down"
    yield f"mirror     {f'up, process {mirror.pid}, {settings.mirror}' if mirror else 'down'}"
    build_dir = BuildDir(settings.prefix)
    for group in _parallel_groups(settings, build_dir):
        for step in group:
            yield f"{step.name:<10} {'up to date' if build_dir.is_made(step) else 'missing or out of date'}"


def _parallel_groups(settings: Settings, build_dir: BuildDir) -> list[list[Step]]:
    """Return the steps in two groups: Go computes for minutes, the rest waits mostly for the network and dpkg."""

    def step(name: str, digest: str, make: Callable[[Settings, BuildDir], None]) -> Step:
        return Step(name, digest, partial(make, settings, build_dir))

    programs = [step(BINARIES_STEP, inputs.binaries_inputs(), build_binaries)]
    rest = [
        step(REGISTRY_STEP, inputs.registry_inputs(), unpack_registry),
        step(BASE_STEP, inputs.module_base_inputs(), make_module_base),
        step(SDK_STEP, inputs.content_inputs(), pack_content),
        step(IMAGE_STEP, inputs.base_image_inputs(), _push_base_image),
    ]
    if missing_packages():
        rest.insert(0, Step(PACKAGES_STEP, None, partial(install_packages, build_dir)))
    return [programs, rest]


def _push_base_image(settings: Settings, build_dir: BuildDir) -> None:
    start_mirror(settings)
    with build_dir.new_folder() as scratch:
        root = scratch / "root"
        make_rootfs(IMAGE_STEP, BASE_PACKAGES, root, build_dir)
        push_base_image(root, settings, build_dir)
