"""The command line of `native_engine/fleet`: divides a stack, has its shares built by engines, and gathers them."""

import contextlib
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from native_engine.errors import EngineError
from native_engine.fleet_client import DaggerClients, duration, read_json
from native_engine.fleet_engines import check_engines
from native_engine.fleet_queue import ShareQueue
from native_engine.fleet_words import Function, Words, read_words

USAGE = """\
usage: native_engine/fleet --on ADDRESS [--on ADDRESS …] [--machines N] [-o report] [words of build-report --publish]

Publishes one stack on several engines, as `./daggerw call build-report --publish` does on one: divides it, gives the
shares to the engines, and gathers their reports. Prints the table of the report. Exit code: that of the run.

  --on ADDRESS   an engine, as in _EXPERIMENTAL_DAGGER_RUNNER_HOST: tcp://HOST:PORT, unix:///SOCKET,
                 kube-pod://POD?namespace=NAMESPACE, …; the first one divides and gathers, too
  --machines N   how many of them may build at once, at most: as many as there are
  -o FOLDER      where the report goes (report); FOLDER/shares has what each share left, and its output
  -m MODULE      the module, if it is not the one in this folder: github.com/OWNER/REPO@vX.Y.Z

The other words are those of the module and of build-report: --source, --images, --rebuild, --refresh, --epoch, --base,
--head, --jobs, --accept-growth, --build-arg, --build-secret, --build-secret-id, --build-ssh, --registry,
--registry-username, --registry-password, --registry-service. See docs/scaling.md.
"""
INTERRUPTED = 130


class Rounds(NamedTuple):
    """The names of the shares, and the line about them."""

    trunk: tuple[str, ...]
    branches: tuple[str, ...]
    text: str


def main(words: list[str]) -> int:
    """Run a fleet and return its exit code: that of the run, 2 for invalid words, 130 if it was interrupted."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0 if words else 2
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        request = read_words(words)
    except EngineError as error:
        _tell(str(error))
        return 2
    kept = request.output / "shares"
    clients = DaggerClients(request, kept)
    try:
        check_engines(request.engines)
        _clear(request.output, kept)
        return _run(request, kept, clients)
    except EngineError as error:
        _tell(str(error))
        return 1
    except OSError as error:
        _tell(f"{error.filename or request.output}: {error.strerror or error}.")
        return 1
    except KeyboardInterrupt:
        _tell("interrupted: waiting for the clients to end. Run the same command again to finish.")
        with contextlib.suppress(KeyboardInterrupt):
            clients.stop()
        return INTERRUPTED


def _run(words: Words, kept: Path, clients: DaggerClients) -> int:
    rounds = _divide(words, kept, clients)
    _tell(rounds.text)
    queue = ShareQueue(clients, words.engines, _tell)
    # The trunk first, each time: what is built on an image that was built again has to be built again.
    lost = [*queue.run(rounds.trunk), *queue.run(rounds.branches)]
    if lost:
        _tell(f"no report of {', '.join(lost)}")
    for engine in [*queue.engines]:
        _tell(f"gather on {engine}: started")
        call = clients.call(
            engine, Function.GATHER, ["--kept", str(kept), "-o", str(words.output)], kept / "gather.log"
        )
        if call.exit_code == 0:
            return _show(words.output)
        _tell(f"gather on {engine}: {call.failure}")
        if clients.is_up(engine):
            return 1
    raise EngineError("No engine is left to gather the reports. Start them, and run the same command again.")


def _divide(words: Words, kept: Path, clients: DaggerClients) -> Rounds:
    own = ["--machines", str(words.machines), "-o", str(kept / "division")]
    engine = words.engines[0]
    _tell(f"divide on {engine}: started")
    call = clients.call(engine, Function.DIVIDE, own, kept / "divide.log")
    shares = read_json(kept / "division" / "shares.json")
    if call.exit_code != 0 or shares is None:
        raise EngineError(f"divide on {engine}: {call.failure}")
    return read_rounds(shares)


def read_rounds(shares: Mapping[str, Any]) -> Rounds:
    """Return the shares that `shares.json` has. Raises EngineError if it is not of this version."""
    try:
        division = shares["division"]
        trunk, branches = ([str(one["name"]) for one in division[key]] for key in ("trunk", "branches"))
        seconds = float(division["expected"])
        images = sum(len(one["images"]) for key in ("trunk", "branches") for one in division[key])
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"shares.json is not that of this version: {error!r}.") from error
    if not trunk and not branches:
        return Rounds((), (), "nothing to build or test: gathering publishes the stack")
    names = "; ".join(", ".join(one) for one in (trunk, branches) if one)
    return Rounds(tuple(trunk), tuple(branches), f"{images} images in shares {names}: about {duration(seconds)}")


def _show(report: Path) -> int:
    """Print the table of a report, and return its exit code."""
    code = (report / "exit-code").read_text(encoding="utf-8").strip()
    print((report / "summary.txt").read_text(encoding="utf-8"), end="", flush=True)
    return int(code) if code.isdecimal() else 1


def _clear(report: Path, kept: Path) -> None:
    """Delete what an earlier fleet left, so that nothing of it is taken for this one's."""
    if kept.exists() and not (kept / "divide.log").exists():
        raise EngineError(f"{kept} exists, and no fleet made it: give another folder with -o.")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    (kept / "divide.log").touch()
    # In the source tree, these would be files that are not committed, and nothing is published from such a tree.
    (kept / ".gitignore").write_text("*\n", encoding="utf-8")
    for name in ("exit-code", "report.json", "summary.txt"):
        (report / name).unlink(missing_ok=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    """Print progress on standard error: standard output is for the table."""
    print(f"fleet: {text}", file=sys.stderr, flush=True)
