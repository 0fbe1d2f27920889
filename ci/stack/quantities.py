"""Sizes and percentages as people write them in stack.toml."""

import re

_PERCENT = re.compile(r"(?P<whole>\d{1,6})(?:\.(?P<parts>\d{1,2}))? ?%")
_SIZE = re.compile(r"\d+(\.\d+)? (MB|GB)")


def percent_problem(text: str) -> str:
    """Return what is wrong with a percentage; empty if it is valid."""
    if _PERCENT.fullmatch(text):
        return ""
    return f"invalid percentage {text!r}. Expected one such as '10 %' or '2.5 %', with at most two decimals."


def size_problem(text: str) -> str:
    """Return what is wrong with a size; empty if it is valid."""
    if _SIZE.fullmatch(text):
        return ""
    return f"invalid size {text!r}. Expected a size such as '800 MB' or '2.5 GB'."


def hundredths(percent: str) -> int:
    """Return a valid percentage such as `2.5 %` in hundredths of a percent, 250."""
    found = _PERCENT.fullmatch(percent)
    if found is None:
        raise ValueError(percent_problem(percent))
    return int(found["whole"]) * 100 + int((found["parts"] or "").ljust(2, "0"))


def bytes_of(size: str) -> int | None:
    """Return a size such as `2.5 GB` in bytes; None for an empty text."""
    number, _, unit = size.partition(" ")
    return round(float(number) * {"MB": 10**6, "GB": 10**9}[unit]) if size else None
