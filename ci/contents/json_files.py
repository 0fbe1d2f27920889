"""JSON files of an image, read into values."""

from typing import TypeVar

import msgspec

from ci.contents.found import shown

T = TypeVar("T")


def decoded(path: str, data: bytes, kind: type[T], problems: list[str]) -> T | None:
    """Return a JSON file as a value; None, and a problem, if it is broken or something else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and those of bytes that are not UTF-8
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error).partition(" - at ")[0]
        problems.append(f"{shown(path)} cannot be read: {reason}.")
        return None
