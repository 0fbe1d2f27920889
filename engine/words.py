"""The words that are handed on to `dagger`."""

from collections.abc import Sequence


def handed_on(words: Sequence[str]) -> list[str]:
    """Return the words for `dagger`, with `call … plan --json` asking for the plan's own JSON.

    `dagger call` has a flag --json of its own, so that no function can have one (v0.21.8: "flag already exists"), and
    writes with it the plan's text as one JSON string, which is of use to nobody.
    """
    if words[:1] != ["call"] or "plan" not in words:
        return list(words)
    at = words.index("plan")
    return [*words[:at], *("--as-json" if word == "--json" else word for word in words[at:])]
