"""The stable tag that a stack's tag stands for: worked out from the tag alone."""

import re

from ci.errors import RequestError

_TESTED = re.compile(r"(?P<quarter>[0-9]{4}\.[0-9]{1,2})-[0-9a-f]{6,40}")
_SUFFIX = "-stable"


def stable_tag(tag: str) -> str:
    """Return `2026.4-stable` for `2026.4-a1239ab`. Raises RequestError for what is no tag of a published stack."""
    match = _TESTED.fullmatch(tag)
    if match is None:
        raise RequestError(
            f"{tag!r} does not name a stack that could become stable: that takes YEAR.QUARTER-COMMIT, the commit with "
            "6 to 40 hexadecimal digits in small letters. For example 2023.2-a1239a becomes 2023.2-stable."
        )
    return f"{match['quarter']}{_SUFFIX}"
