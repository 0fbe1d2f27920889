"""Reads what comes back from the login node while it comes, in bounded memory, and keeps what a verdict needs."""

import re
from collections import deque
from collections.abc import Iterator

import msgspec

from ci.promotion.gpu_junit import decode_junit
from ci.promotion.gpu_trouble import Trouble, find_trouble

_MOST_LINE = 64 << 10
_MOST_SHOWN_LINE = 1000
_MOST_SHOWN = 5_000_000
_MOST_ENCODED = 8 << 20
_MOST_MARKS = 64
_LAST_LINES = 20
_MARK = re.compile(r"<<(RUN|GPU|JUNIT|RC):([0-9a-f]+):(.*)>>")
_ENCODED = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the output proves."""

    started: bool = False
    """The pod's script began."""
    codes: tuple[str, ...] = ()
    """All exit codes of pytest that were told: one, unless something is wrong."""
    gpus: tuple[str, ...] = ()
    junit: tuple[bytes | None, ...] = ()
    """All reports that were told, None for one that is damaged, empty for none made."""
    foreign: bool = False
    """There were marks of another run."""
    trouble: Trouble | None = None
    """What the launcher complained of."""
    last: tuple[str, ...] = ()
    """The last lines for a person."""


class Transcript:
    """The output of one attempt. `pod` and `nonce` tell its own lines from others."""

    def __init__(self, pod: str, nonce: str) -> None:
        self._ending = f'"{pod}" exited due to: '
        self._nonce = nonce
        self._rest = b""
        self._inside_line = False
        self._shown = 0
        self._started = False
        self._codes: list[str] = []
        self._gpus: list[str] = []
        self._junit: list[bytes | None] = []
        self._encoded: list[str] | None = None
        self._encoded_size = 0
        self._foreign = False
        self._trouble: Trouble | None = None
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def started(self) -> bool:
        """Whether the pod's script began."""
        return self._started

    @property
    def has_result(self) -> bool:
        """Whether the pod's script came to its end."""
        return bool(self._codes)

    def feed(self, piece: bytes) -> list[str]:
        """Take the next piece of output; return the lines in it that are for a person."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        shown = [text for line in lines for text in self._line(line)]
        while len(self._rest) > _MOST_LINE:
            shown.extend(self._line(self._rest[:_MOST_LINE], whole=False))
            self._rest = self._rest[_MOST_LINE:]
        return shown

    def close(self) -> Evidence:
        """Return what the output proved, now that no more comes. A last line without its end was cut off."""
        if self._encoded is not None:
            self._junit.append(None)
        return Evidence(
            started=self._started,
            codes=tuple(self._codes),
            gpus=tuple(self._gpus),
            junit=tuple(self._junit),
            foreign=self._foreign,
            trouble=self._trouble,
            last=tuple(self._last),
        )

    def _line(self, line: bytes, *, whole: bool = True) -> Iterator[str]:
        first, self._inside_line = not self._inside_line, not whole
        # Text of its own is cheap; most of 200 MB is neither a mark nor shown.
        if self._shown > _MOST_SHOWN and self._encoded is None and b">>" not in line and self._started:
            return
        text = plain(line)
        mark = _MARK.fullmatch(text) if first and whole else None
        if mark:
            self._mark(mark[1], mark[2], mark[3])
        elif self._encoded is not None:
            self._encode(text)
        else:
            self._look_for_trouble(text)
            yield from self._show(text)

    def _mark(self, kind: str, nonce: str, value: str) -> None:
        if nonce != self._nonce:
            self._foreign = True
        elif kind == "RUN":
            self._started = True
        elif kind == "GPU" and len(self._gpus) < _MOST_MARKS:
            self._gpus.append(value)
        elif kind == "RC" and len(self._codes) < _MOST_MARKS:
            self._codes.append(value)
        elif kind == "JUNIT" and len(self._junit) < _MOST_MARKS:
            self._open_or_close(value)

    def _open_or_close(self, value: str) -> None:
        if value == "begin" and self._encoded is None:
            self._encoded, self._encoded_size = [], 0
            return
        # Anything but begin and then end is damage.
        whole = value == "end" and self._encoded is not None
        self._junit.append(decode_junit(self._encoded or []) if whole else None)
        self._encoded = None

    def _encode(self, text: str) -> None:
        self._encoded_size += len(text)
        if self._encoded is not None and self._encoded_size <= _MOST_ENCODED and _ENCODED.fullmatch(text):
            self._encoded.append(text)

    def _look_for_trouble(self, text: str) -> None:
        # Once the pod runs, these are the tests' words; only the launcher's own on how it ended count then.
        if self._trouble is None and (not self._started or self._ending in text):
            self._trouble = find_trouble(text)

    def _show(self, text: str) -> Iterator[str]:
        if not text:
            return
        text = text[:_MOST_SHOWN_LINE]
        self._last.append(text)
        if self._shown <= _MOST_SHOWN:
            self._shown += len(text)
            yield text if self._shown <= _MOST_SHOWN else "(There is more output; it is not shown.)"


def plain(line: bytes) -> str:
    """Return a line as a person's terminal may show it: no colours, no control characters, the last of a progress bar.

    What is no UTF-8 becomes U+FFFD.
    """
    text = _ESCAPE.sub("", line.decode(errors="replace").rstrip("\r")).rpartition("\r")[2]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
