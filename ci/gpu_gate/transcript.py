"""Reads the output of an attempt as it arrives, in bounded memory, and keeps the evidence for a verdict."""

import base64
import binascii
import re
import zlib
from collections import deque
from collections.abc import Iterator

import msgspec

from ci.gpu_gate.pod import FailureReason, find_failure_reason

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
    """What the output contains."""

    started: bool = False
    """The pod's script began."""
    codes: tuple[str, ...] = ()
    """All exit codes of pytest: one, unless something is wrong."""
    gpus: tuple[str, ...] = ()
    junit: tuple[bytes | None, ...] = ()
    """All JUnit reports: None for a damaged one, empty if pytest wrote none."""
    foreign: bool = False
    """There were marks of another run."""
    failure: FailureReason | None = None
    """The first error that the launcher printed."""
    last: tuple[str, ...] = ()
    """The last lines that were shown."""


class Transcript:
    """The output of one attempt. `pod` and `nonce` identify its own lines."""

    def __init__(self, pod: str, nonce: str) -> None:
        self._exit_line = f'"{pod}" exited due to: '
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
        self._failure: FailureReason | None = None
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def started(self) -> bool:
        """Whether the pod's script began."""
        return self._started

    @property
    def has_result(self) -> bool:
        """Whether the pod's script ended."""
        return bool(self._codes)

    def feed(self, part: bytes) -> list[str]:
        """Take the next part of the output; return the lines in it to show."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        shown = [text for line in lines for text in self._line(line)]
        while len(self._rest) > _MOST_LINE:
            shown.extend(self._line(self._rest[:_MOST_LINE], whole=False))
            self._rest = self._rest[_MOST_LINE:]
        return shown

    def close(self) -> Evidence:
        """Return the evidence, at the end of the output. A last line without its line end was cut off."""
        if self._encoded is not None:
            self._junit.append(None)
        return Evidence(
            started=self._started,
            codes=tuple(self._codes),
            gpus=tuple(self._gpus),
            junit=tuple(self._junit),
            foreign=self._foreign,
            failure=self._failure,
            last=tuple(self._last),
        )

    def _line(self, line: bytes, *, whole: bool = True) -> Iterator[str]:
        first, self._inside_line = not self._inside_line, not whole
        # For speed: most lines of 200 MB are neither a mark nor shown.
        if self._shown > _MOST_SHOWN and self._encoded is None and b">>" not in line and self._started:
            return
        text = plain(line)
        mark = _MARK.fullmatch(text) if first and whole else None
        if mark:
            self._read_mark(mark[1], mark[2], mark[3])
        elif self._encoded is not None:
            self._add_encoded(text)
        else:
            self._find_failure(text)
            yield from self._show(text)

    def _read_mark(self, kind: str, nonce: str, value: str) -> None:
        if nonce != self._nonce:
            self._foreign = True
        elif kind == "RUN":
            self._started = True
        elif kind == "GPU" and len(self._gpus) < _MOST_MARKS:
            self._gpus.append(value)
        elif kind == "RC" and len(self._codes) < _MOST_MARKS:
            self._codes.append(value)
        elif kind == "JUNIT" and len(self._junit) < _MOST_MARKS:
            self._begin_or_end_report(value)

    def _begin_or_end_report(self, value: str) -> None:
        if value == "begin" and self._encoded is None:
            self._encoded, self._encoded_size = [], 0
            return
        # Any other order than begin, end is damage.
        whole = value == "end" and self._encoded is not None
        self._junit.append(decode_junit(self._encoded or []) if whole else None)
        self._encoded = None

    def _add_encoded(self, text: str) -> None:
        self._encoded_size += len(text)
        if self._encoded is not None and self._encoded_size <= _MOST_ENCODED and _ENCODED.fullmatch(text):
            self._encoded.append(text)

    def _find_failure(self, text: str) -> None:
        # Once the pod runs, the output is the tests'; then only the launcher's own line on the pod's end counts.
        if self._failure is None and (not self._started or self._exit_line in text):
            self._failure = find_failure_reason(text)

    def _show(self, text: str) -> Iterator[str]:
        if not text:
            return
        text = text[:_MOST_SHOWN_LINE]
        self._last.append(text)
        if self._shown <= _MOST_SHOWN:
            self._shown += len(text)
            yield text if self._shown <= _MOST_SHOWN else "(There is more output; it is not shown.)"


def plain(line: bytes) -> str:
    """Return a line that is safe to show on a terminal: no colours or control characters, of a progress bar the end.

    Bytes that are not UTF-8 become U+FFFD.
    """
    text = _ESCAPE.sub("", line.decode(errors="replace").rstrip("\r")).rpartition("\r")[2]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


_WIDTH = 76
_GZIP = 31
_MOST_BYTES = 64 << 20


def decode_junit(lines: list[str]) -> bytes | None:
    """Decode a report from lines of base64; empty for no lines, None for damage.

    Only the last line may be shorter than the others: a shorter one before it is a word of other output.
    """
    text = "".join(line for number, line in enumerate(lines, 1) if len(line) == _WIDTH or number == len(lines))
    if not text:
        return b""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    except (binascii.Error, zlib.error):
        return None
    return content if unpacker.eof else None
