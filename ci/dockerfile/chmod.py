"""`--chmod`: modes in octal, and symbolic ones (`u=rwx,go=rx`) as the octal mode that they always lead to."""

import re

_OCTAL = re.compile(r"0*[0-7]{1,4}")
_CLAUSE = re.compile(r"([ugoa]+)((?:[=+-][rwx]*)+)")
_OPERATION = re.compile(r"([=+-])([rwx]*)")
_BITS = {"r": 4, "w": 2, "x": 1}
_ALL = 7


def is_octal(mode: str) -> bool:
    """Return whether a mode is one that the engine supports."""
    return _OCTAL.fullmatch(mode) is not None


def octal(mode: str) -> str | None:
    """Return a symbolic mode in octal; None if the result depends on the modes that files had before.

    As in BuildKit, `u=` and `g=` clear the bits for setuid and setgid, as an octal mode does.
    """
    known: dict[str, int] = {}
    for clause in mode.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            return None
        for operation, letters in _OPERATION.findall(match[2]):
            bits = sum(_BITS[letter] for letter in set(letters))
            for who in "ugo" if "a" in match[1] else match[1]:
                if operation == "=":
                    known[who] = bits
                elif who not in known:
                    return None
                else:
                    known[who] = known[who] | bits if operation == "+" else known[who] & (_ALL - bits)
    return f"0{known['u']}{known['g']}{known['o']}" if known.keys() == {"u", "g", "o"} else None
