"""WWW-Authenticate: what a registry wants to see before it answers (RFC 9110)."""

import re
from collections.abc import Mapping, Sequence

import msgspec

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(
    rf'(?P<key>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))|(?P<scheme>{_WORD})(?=\s|,|$)'
)


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in; scheme and keys in small letters."""

    scheme: str
    parameters: Mapping[str, str] = {}


def read_challenges(headers: Sequence[str]) -> Mapping[str, Challenge]:
    """Return the challenges of all WWW-Authenticate headers by scheme; the first of a scheme counts."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        for part in _PART.finditer(header):
            if part["scheme"]:
                found.append((part["scheme"].lower(), {}))
            elif found:
                value = part["bare"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
                found[-1][1].setdefault(part["key"].lower(), value)
    return {scheme: Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in reversed(found)}
