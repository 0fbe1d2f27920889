"""The native engine as a whole: built, started, stopped, described."""

import shutil
from collections.abc import Callable, Iterator

from native_engine import inputs, versions
from native_engine.binaries import build_binaries
from native_engine.client import is_current
from native_engine.content import BASE_STEP, SDK_STEP, make_module_base, pack_content
from native_engine.lock import locked
from native_engine.mirror import IMAGE_STEP, push_base_image
from native_engine.packages import install_packages, missing_packages, unpack_registry
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
from native_engine.steps import Step, Workshop, make_side_by_side, tell

MADE = ("bin", "content", "registry", "mirror", "stamps", "logs", "tmp", "layers", "state", "dropped")
MADE_FILES = ("engine.json", "engine.pid", "engine.sock", "mirror.yml", "module-base.tar", "mirror.pid", "lock")


def bring_up(settings: Settings) -> None:
    """Build what is missing or out of date and start what is down; nothing at all is done while all is well."""
    if is_current(settings):
        return
    check_user()
    with locked(settings.prefix, "build and start the engine"):
        if is_current(settings):
            return  # whoever held the lock has done it
        workshop = Workshop(settings.prefix)
        lanes = _lanes(settings, workshop)
        waiting = [step for lane in lanes for step in lane if not workshop.is_made(step)]
        check_machine(settings, build_programs=lanes[0][0] in waiting, build_anything=bool(waiting))
        workshop.open_shop()
        make_side_by_side(lanes, workshop)
        start_mirror(settings)
        if running := running_engine(settings):
            wait_for_clients(running)
            tell("stopping the running engine, which was built or started otherwise")
            stop_engine(settings)
        start_engine(settings)


def take_down(settings: Settings) -> None:
    """Stop the engine, so that its cache survives, and the mirror."""
    with locked(settings.prefix, "stop the engine"):
        tell("stopped" if stop_engine(settings) else "was not up")
        stop_mirror(settings)


def reset(settings: Settings, *, everything: bool) -> None:
    """Stop the engine and drop its state, or everything that was ever made below the prefix."""
    with locked(settings.prefix, "drop the engine's state"):
        stop_engine(settings)
        if not everything:
            drop_state(settings)
            tell("stopped, and its cache dropped")
            return
        stop_mirror(settings)
        for name in MADE:
            shutil.rmtree(settings.prefix / name, ignore_errors=True)
        for name in MADE_FILES:
            (settings.prefix / name).unlink(missing_ok=True)
    if not any(settings.prefix.iterdir()):
        settings.prefix.rmdir()
    tell("stopped, and everything dropped")


def describe(settings: Settings) -> Iterator[str]:
    """Tell in a line each how the processes and the steps stand."""
    engine, mirror = running_engine(settings), load_record(settings.mirror_record)
    if engine:
        fresh = "" if is_current(settings) else ", but not of this checkout and these settings: `up` starts it anew"
        yield f"engine     up, process {engine.pid}, {settings.runner_host}, v{versions.ENGINE}{fresh}"
    else:
        yield "engine     down"
    yield f"mirror     {f'up, process {mirror.pid}, {settings.mirror}' if mirror else 'down'}"
    workshop = Workshop(settings.prefix)
    for step in [step for lane in _lanes(settings, workshop) for step in lane]:
        yield f"{step.name:<10} {'made' if workshop.is_made(step) else 'to be made'}"


def _lanes(settings: Settings, workshop: Workshop) -> list[list[Step]]:
    """List the steps in two lanes: Go computes for minutes, and the rest waits mostly for the network and dpkg."""
    programs = [Step("binaries", inputs.binaries_inputs(), _bound(build_binaries, settings, workshop))]
    rest = [
        Step("registry", inputs.registry_inputs(), _bound(unpack_registry, settings, workshop)),
        Step(BASE_STEP, inputs.module_base_inputs(), _bound(make_module_base, settings, workshop)),
        Step(SDK_STEP, inputs.content_inputs(), _bound(pack_content, settings, workshop)),
        Step(IMAGE_STEP, inputs.base_image_inputs(), _bound(_push_base_image, settings, workshop)),
    ]
    if missing_packages():
        rest.insert(0, Step("packages", None, lambda: install_packages(workshop)))
    return [programs, rest]


def _bound(make: Callable[[Settings, Workshop], None], settings: Settings, workshop: Workshop) -> Callable[[], None]:
    return lambda: make(settings, workshop)


def _push_base_image(settings: Settings, workshop: Workshop) -> None:
    start_mirror(settings)
    with workshop.new_folder() as scratch:
        root = scratch / "root"
        make_rootfs(IMAGE_STEP, BASE_PACKAGES, root, workshop)
        push_base_image(root, settings, workshop)
