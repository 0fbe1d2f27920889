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
    "down": "stop both; the engine keeps its cache",
    "status": "show what is running and what is built; exit code 1 if the engine is down",
    "logs": "print the engine's log; --of selects another log, --follow waits for new lines",
    "reset": "stop the engine and delete its cache; --all deletes everything below the prefix",
    "env": "start the engine and print the environment of its clients: . <(native_engine/native env)",
}
EXPORTED = (RUNNER_HOST, CLI_BIN, *QUIET, "DAGGER_PROGRESS", "PATH")


def main(words: list[str]) -> int:
    """Run one command and return its exit code: 1 if it failed, 2 for invalid arguments."""
    options = _parser().parse_args(words)
    try:
        return _run(options, read_settings(os.environ, options.prefix))
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def _run(options: argparse.Namespace, settings: Settings) -> int:
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
            environment = native_environment(os.environ, settings)
            print(*(f"export {name}={shlex.quote(environment[name])}" for name in EXPORTED), sep="\n")
    return 0


def _show_log(options: argparse.Namespace, settings: Settings) -> int:
    log_file = settings.logs / f"{options.of}.log"
    if not log_file.exists():
        existing = ", ".join(sorted(path.stem for path in settings.logs.glob("*.log"))) or "none"
        raise EngineError(f"{log_file} does not exist. Existing logs: {existing}.")
    return subprocess.run(
        ["tail", *(["-f"] if options.follow else []), "-n", str(options.lines), log_file], check=False
    ).returncode


def _parser() -> argparse.ArgumentParser:
    actions = "\n".join(f"  {name:<8}{text}" for name, text in ACTIONS.items())
    variables = "\n".join(f"  {name:<27}{text} ({default})" for name, (default, text) in DEFAULTS.items())
    parser = argparse.ArgumentParser(
        prog="native_engine/native",
        description=f"Runs a Dagger engine on this machine without a container runtime.\n\nactions:\n{actions}",
        epilog=f"environment variables (defaults in parentheses):\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION")
    parser.add_argument("--prefix", help="folder of everything the engine needs and stores")
    parser.add_argument("--all", action="store_true", help="with reset: delete programs, images and logs too")
    parser.add_argument("--of", default="engine", help="with logs: engine (default), mirror, or the name of a step")
    parser.add_argument("--follow", action="store_true", help="with logs: wait for new lines until interrupted")
    parser.add_argument("--lines", type=int, default=100, help="with logs: number of lines from the end (100)")
    return parser
