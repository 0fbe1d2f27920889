"""The words that are handed on to `dagger`."""

from collections.abc import Sequence

_WITH_JSON = ("plan", "history", "test-gpu")


def handed_on(words: Sequence[str]) -> list[str]:
    """Return the words for `dagger`, with `call … plan --json` asking for the plan's own JSON, and so for others.

    `dagger call` has a flag --json of its own, so that no function can have one (v0.21.8: "flag already exists"), and
    writes with it a function's text as one JSON string, which is of use to nobody.
    """
    found = [at for at, word in enumerate(words) if word in _WITH_JSON]
    if words[:1] != ["call"] or not found:
        return list(words)
    at = found[0]
    return [*words[:at], *("--as-json" if word == "--json" else word for word in words[at:])]
