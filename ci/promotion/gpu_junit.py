"""pytest's JUnit report as it comes from the pod: gzip in base64, between lines that may be anybody's."""

import base64
import binascii
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ci.promotion.gpu_verdict import GpuTests

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
