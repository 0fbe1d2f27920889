"""Times as the wiki shows them."""

import re

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)")
_UNKNOWN = "unknown"


def day(time: str) -> str:
    """Return the day of a time in RFC 3339."""
    found = _TIME.match(time)
    return found[1] if found else _UNKNOWN


def minute(time: str) -> str:
    """Return day and time of a time in RFC 3339 that is UTC, as all of ours are: `2026-11-25 10:00 UTC`."""
    found = _TIME.match(time)
    return f"{found[1]} {found[2]} UTC" if found else _UNKNOWN
