"""A pseudo-terminal with one program in it, for a person who types and reads."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_CURSOR_QUERY, _CURSOR = b"\x1b[6n", b"\x1b[1;1R"
_CONTROL = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]")
_LONGEST = 120.0  # seconds to wait for a text


class PseudoTerminal:
    """`program` runs with the terminal as its controlling one; `printed` is all it printed, without colours."""

    def __init__(self, master: int, slave: int, program: subprocess.Popen[bytes]) -> None:
        self._master, self._slave = master, slave
        self._raw = b""
        self._answered = 0
        self._read = 0
        self.program = program

    @property
    def printed(self) -> str:
        return _CONTROL.sub(b"", self._raw).decode(errors="replace").replace("\r\n", "\n")

    @property
    def attributes(self) -> list[object]:
        """The settings of the line, as `stty -a` shows them."""
        return [*termios.tcgetattr(self._slave)]

    def resize(self, rows: int, columns: int) -> None:
        """Do what a window does whose size changes: the kernel signals it to the program."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, text: str) -> str:
        """Read until a text comes after what was read before, and return what came up to it."""
        end = time.monotonic() + _LONGEST
        while (found := self.printed.find(text, self._read)) < 0:
            assert time.monotonic() < end, f"{text!r} did not come: {self.printed}"
            assert self._receive(), f"it ended, and {text!r} did not come: {self.printed}"
        begin, self._read = self._read, found + len(text)
        return self.printed[begin:found]

    def read_to_end(self) -> str:
        """Read what else the program prints until it ends, and return it."""
        end = time.monotonic() + _LONGEST
        while self._receive():
            assert time.monotonic() < end, f"it did not end: {self.printed}"
        return self.printed[self._read :]

    def _receive(self) -> bool:
        """Receive what there is. Returns whether the program may print more."""
        ended = self.program.poll() is not None
        if select.select([self._master], [], [], 0.1)[0]:
            self._raw += os.read(self._master, 1 << 16)
            # Dagger's programs ask where the cursor is and wait five seconds for the answer that each terminal gives.
            asked = self._raw.count(_CURSOR_QUERY)
            os.write(self._master, _CURSOR * (asked - self._answered))
            self._answered = asked
            return True
        return not ended


@contextmanager
def pseudo_terminal(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], size: tuple[int, int] = (24, 80)
) -> Iterator[PseudoTerminal]:
    """Start a command in a terminal of its own, with `size` in rows and columns; at the end, kill what still runs."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    program = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        env={**environment, "TERM": "xterm"},
    )
    try:
        yield PseudoTerminal(master, slave, program)
    finally:
        with suppress(ProcessLookupError):
            program.kill()
        program.wait()
        os.close(master)
        os.close(slave)
