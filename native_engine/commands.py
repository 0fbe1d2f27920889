"""The command line of `native_engine/native`."""

import argparse
import os
import shlex
import subprocess
import sys

from native_engine.client import CLI_BIN, QUIET, RUNNER_HOST, native_environment
from native_engine.errors import EngineError
from native_engine.native import bring_up, describe, reset, take_down
from native_engine.services import running_engine
from native_engine.settings import DEFAULTS, Settings, read_settings

ACTIONS = {
    "up": "build what is missing, start the engine and its mirror registry",
    "down": "stop both; the engine's cache survives",
    "status": "what is up and what is built; exit code 1 if the engine is down",
    "logs": "print the engine's log; --of mirror or a step's name for others, --follow to stay",
    "reset": "stop and drop the engine's state; --all drops everything below the prefix",
    "env": "make sure of the engine and print the environment of its clients: . <(native_engine/native env)",
}
EXPORTED = (RUNNER_HOST, CLI_BIN, *QUIET, "DAGGER_PROGRESS", "PATH")


def main(words: list[str]) -> int:
    """Carry out one command; the exit code is 1 if that failed, 2 for words that make no sense."""
    options = _parser().parse_args(words)
    try:
        return _carry_out(options, read_settings(os.environ, options.prefix))
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def _carry_out(options: argparse.Namespace, settings: Settings) -> int:
    match options.action:
        case "up":
            bring_up(settings)
        case "down":
            take_down(settings)
        case "status":
            print(*describe(settings), sep="\n")
            return 0 if running_engine(settings) else 1
        case "logs":
            return _show_log(options, settings)
        case "reset":
            reset(settings, everything=options.all)
        case _:
            bring_up(settings)
            wanted = native_environment(os.environ, settings)
            print(*(f"export {name}={shlex.quote(wanted[name])}" for name in EXPORTED), sep="\n")
    return 0


def _show_log(options: argparse.Namespace, settings: Settings) -> int:
    log = settings.logs / f"{options.of}.log"
    if not log.exists():
        there = ", ".join(sorted(path.stem for path in settings.logs.glob("*.log"))) or "none"
        raise EngineError(f"{log} does not exist; there are logs of: {there}.")
    return subprocess.run(
        ["tail", *(["-f"] if options.follow else []), "-n", str(options.lines), log], check=False
    ).returncode


def _parser() -> argparse.ArgumentParser:
    actions = "\n".join(f"  {name:<8}{what}" for name, what in ACTIONS.items())
    variables = "\n".join(f"  {name:<27}{what} ({default})" for name, (default, what) in DEFAULTS.items())
    parser = argparse.ArgumentParser(
        prog="native_engine/native",
        description=f"A Dagger engine on this machine without a container runtime.\n\nactions:\n{actions}",
        epilog=f"environment (defaults in brackets):\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION")
    parser.add_argument("--prefix", help="folder of everything the engine needs and keeps")
    parser.add_argument("--all", action="store_true", help="with reset: drop programs, images and logs too")
    parser.add_argument("--of", default="engine", help="with logs: engine, mirror, or a step")
    parser.add_argument("--follow", action="store_true", help="with logs: print what is added, until interrupted")
    parser.add_argument("--lines", type=int, default=100, help="with logs: how many of the last lines")
    return parser
