"""Shells in images with the native engine's command, which has no TUI, in a real pseudo-terminal."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from native_engine.client import RUNNER_HOST
from tests.e2e.conftest import ROOT, MakeTree
from tests.e2e.pseudo_terminal import PseudoTerminal, pseudo_terminal
from tests.e2e.socket_relay import socket_relay

PROMPT = "dagger / $ "
TINY = {"images/base/Dockerfile": "FROM debian:bookworm-slim\nRUN echo 42 >/answer\n"}
NEED = "A shell needs a terminal, and standard input is not one. Run the call in a terminal"
SIZE = (31, 97)

Terminal = Callable[..., AbstractContextManager[PseudoTerminal]]


def words(options: str, source: Path, *more: str) -> list[str]:
    """Return the command line of a call, with options of `dagger` itself."""
    return [sys.executable, str(ROOT / "daggerw"), *options.split(), "call", f"--source={source}", *more]


@pytest.fixture
def terminal(engine: None) -> Terminal:  # noqa: ARG001 (it must be up)
    """Start `./daggerw call …` in a pseudo-terminal."""
    if not os.environ.get(RUNNER_HOST, "").startswith("unix://"):
        pytest.skip("with other engines, the official command opens shells in its TUI")

    @contextmanager
    def start(command: list[str], **changes: str) -> Iterator[PseudoTerminal]:
        with pseudo_terminal(command, ROOT, os.environ | changes, SIZE) as opened:
            yield opened

    return start


@pytest.fixture
def tiny(tree: MakeTree) -> Path:
    """Write a stack of one image."""
    return tree(TINY)


def run_without_terminal(command: list[str]) -> tuple[int, str]:
    """Return the exit code of a call, and what it printed on standard error."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


def failing(tree: MakeTree) -> Path:
    """Write a stack in which a step fails while another one goes on and prints; both are new each time."""
    now = time.time_ns()
    return tree(
        {
            "images/base/Dockerfile": "FROM debian:bookworm-slim\n",
            "images/red/Dockerfile": f"FROM base\nRUN sleep 3; echo left-{now} >/state; exit 7\n",
            "images/slow/Dockerfile": f"FROM base\nRUN for i in 1 2 3 4 5 6 7 8 9; do echo tick-{now}; sleep 1; done\n",
        }
    )


def shell(progress: str, source: Path) -> list[str]:
    return words(f"--progress={progress}", source, "image", "--name=base", "terminal")


@pytest.mark.parametrize("progress", ["plain", "logs"])
def test_a_shell_in_an_image(terminal: Terminal, tiny: Path, progress: str) -> None:
    with terminal(shell(progress, tiny)) as opened:
        before = opened.attributes
        opened.read_until(PROMPT)
        assert opened.attributes != before, "keys go to the shell as they are"
        opened.type("expr $(cat /answer) + 1; stty size\r")
        assert opened.read_until(PROMPT).endswith("\n43\n31 97\n")
        opened.type("until [ \"$(stty size)\" = '40 120' ]; do sleep 0.1; done; echo resized\r")
        opened.resize(40, 120)
        assert opened.read_until(PROMPT).endswith("\nresized\n")
        opened.type("sh -c 'echo begun; exec sleep 300'\r")
        opened.read_until("\nbegun\n")
        opened.type("\x03")
        assert opened.read_until(PROMPT) == "^C\n", "Ctrl-C interrupts what runs in the shell, and not the call"
        opened.type("exit\r")
        rest = opened.read_to_end()
        assert opened.program.wait() == 0, opened.printed
        assert opened.attributes == before
    assert "\nexit 130\n" in rest, "the code of the shell, at the beginning of a line"
    assert "resized" not in rest, "what the shell printed is printed once"


@pytest.mark.parametrize("typed", [pytest.param("\x04", id="Ctrl-D"), pytest.param("kill -9 $$\r", id="killed")])
def test_other_endings_of_a_shell(terminal: Terminal, tiny: Path, typed: str) -> None:
    with terminal(shell("plain", tiny)) as opened:
        before = opened.attributes
        opened.read_until(PROMPT)
        opened.type(typed)
        opened.read_to_end()
        assert opened.program.wait() == 0, opened.printed
        assert opened.attributes == before


@pytest.mark.parametrize(
    ("sent", "exit_code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 1)]
)
def test_a_call_that_is_told_to_end_gives_the_terminal_back(
    terminal: Terminal, tiny: Path, sent: signal.Signals, exit_code: int
) -> None:
    with terminal(shell("plain", tiny)) as opened:
        before = opened.attributes
        opened.read_until(PROMPT)
        opened.program.send_signal(sent)
        opened.read_to_end()
        assert opened.program.wait() == exit_code, opened.printed
        assert opened.attributes == before


@pytest.mark.parametrize("progress", ["plain", "logs"])
def test_a_lost_engine_gives_the_terminal_back(terminal: Terminal, tiny: Path, tmp_path: Path, progress: str) -> None:
    engine = Path(os.environ[RUNNER_HOST].removeprefix("unix://"))
    address = tmp_path / "engine.sock"
    with (
        socket_relay(address, engine) as cut,
        terminal(shell(progress, tiny), **{RUNNER_HOST: f"unix://{address}"}) as opened,
    ):
        before = opened.attributes
        opened.read_until(PROMPT)
        cut()
        opened.read_to_end()
        assert opened.program.wait() not in (0, None), opened.printed
        assert opened.attributes == before


@pytest.mark.parametrize("progress", ["plain", "logs"])
def test_without_a_terminal_the_call_says_what_is_missing(engine: None, tiny: Path, progress: str) -> None:  # noqa: ARG001 (it must be up)
    exit_code, printed = run_without_terminal(shell(progress, tiny))
    assert exit_code == 1
    assert NEED in printed


def test_without_a_terminal_interactive_fails_before_anything_is_built(engine: None, tree: MakeTree) -> None:  # noqa: ARG001 (it must be up)
    """After a failure it would take that one's place."""
    exit_code, printed = run_without_terminal(words("--progress=plain --interactive", failing(tree), "build-stack"))
    assert exit_code == 1
    assert printed.startswith(f"Error: {NEED}")
    assert printed.count("\n") == 1


# What a call prints of other images while a shell has the terminal.
OTHER_LINE = {"plain": r"(?m)\b(?:DONE|CACHED)\b", "logs": r"(?m)^\d\d:\d\d  "}


@pytest.mark.parametrize("progress", ["plain", "logs"])
def test_a_failed_step_opens_a_shell_with_its_files(terminal: Terminal, tree: MakeTree, progress: str) -> None:
    """What other images print in the meantime comes after it."""
    command = words(f"--progress={progress} --interactive", failing(tree), "build-stack")
    with terminal(command) as opened:
        before = opened.attributes
        opened.read_until("! exit code: 7")
        opened.read_until("\n# ")
        opened.type("cat /state; sleep 4\r")
        during = opened.read_until("\n# ")
        opened.type("exit\r")
        rest = opened.read_to_end()
        assert opened.program.wait() == 1, opened.printed
        assert opened.attributes == before
    assert re.fullmatch(r"cat /state; sleep 4\nleft-\d+", during)
    assert re.search(OTHER_LINE[progress], rest)
