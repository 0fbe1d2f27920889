"""Text written so that the Dockerfile's parser reads it back unchanged."""

import re

ESCAPE = "\\"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~^-]+")
_SPECIAL_IN_QUOTES = re.compile(r'["\\$]')
_SPECIAL_IN_FLAG = re.compile(r"[\s'\"\\]")


def quote(value: str) -> str:
    """Return `value` as a word of ARG or ENV that expands to it. It must hold no line break."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + _SPECIAL_IN_QUOTES.sub(r"\\\g<0>", value) + '"'


def escape_word(value: str) -> str:
    """Return `value` as a word without blanks of COPY or a mount that expands to it; its blanks stay as they are."""
    return re.sub(r"['\"\\$]", r"\\\g<0>", value)


def escape_flag(text: str) -> str:
    """Return a whole flag so that blanks and quotes within it do not end or change it."""
    return _SPECIAL_IN_FLAG.sub(r"\\\g<0>", text)
