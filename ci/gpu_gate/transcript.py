"""Reads what comes back from the login node while it comes, in bounded memory, and keeps what a verdict needs."""

import base64
import binascii
import re
import zlib
from collections import deque
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import msgspec

from ci.gpu_gate.pod import FailureReason, find_failure_reason
from ci.gpu_gate.verdict import GpuTests

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
    trouble: FailureReason | None = None
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
        self._trouble: FailureReason | None = None
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
            self._trouble = find_failure_reason(text)

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


_WIDTH = 76
_GZIP = 31
_MOST_BYTES = 64 << 20
_MOST_NAMES = 50
# How a test may have ended, the worst last; a test that was run again counts once.
_ENDS = ("", "skipped", "failure", "error")


def decode_junit(lines: list[str]) -> bytes | None:
    """Return the report that lines of base64 hold, empty for no lines, None for what is damaged.

    Only the last line may be shorter than the others: a shorter one before is a word that came in between.
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


def read_tests(content: bytes) -> GpuTests | None:
    """Count the tests of a report; None for what is no report."""
    try:
        # S314: the expat in use since 2021 (2.4.1) ends entity bombs by itself.
        root = ET.fromstring(content)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError):
        return None
    ends: dict[str, str] = {}
    for name, end in _ends(root):
        ends[name] = max(end, ends.get(name, end), key=_ENDS.index)
    names = [name for name, end in ends.items() if end in {"failure", "error"}]
    counts = {end: sum(1 for one in ends.values() if one == end) for end in _ENDS}
    # What the suite says of itself is believed where it is worse.
    failed, errors = max(counts["failure"], _told(root, "failures")), max(counts["error"], _told(root, "errors"))
    unnamed = ("a test without a name",) if failed + errors and not names else ()
    return GpuTests(
        passed=counts[""],
        failed=failed,
        errors=errors,
        skipped=counts["skipped"],
        failures=tuple(names[:_MOST_NAMES]) or unnamed,
    )


def _ends(root: ET.Element) -> Iterator[tuple[str, str]]:
    for case in root.iter("testcase"):
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        for end in [child.tag for child in case if child.tag in _ENDS] or [""]:
            yield name, end


def _told(root: ET.Element, count: str) -> int:
    told = [suite.get(count, "0") for suite in root.iter("testsuite")]
    return sum(int(number) for number in told if number.isdecimal())
