"""The ids of the secrets that are given to builds: the rules of the options, without reading a secret."""

import posixpath
from collections.abc import Sequence

from ci.errors import RequestError

_ADVICE = "Name the ids: --build-secret-id ID for each --build-secret, in the same order."


def secret_ids(addresses: Sequence[str], ids: Sequence[str]) -> Sequence[str]:
    """Return the ids of secrets from their addresses (`env://NAME`), or from the names that were given for all of them.

    Raises RequestError for those that are equal.
    """
    if ids and len(ids) != len(addresses):
        raise RequestError(f"There are {len(addresses)} --build-secret and {len(ids)} --build-secret-id. {_ADVICE}")
    # Dagger knows a secret by its value alone: the second of two with one value has the address of the first.
    if not ids and len(set(addresses)) < len(addresses):
        raise RequestError(f"Two --build-secret have the same value: Dagger takes them for one. {_ADVICE}")
    found = ids or [_named(address) for address in addresses]
    if not all(found):
        raise RequestError(f"A --build-secret that is neither env:NAME nor file:PATH has no name of its own. {_ADVICE}")
    twice = next((name for name in found if found.count(name) > 1), "")
    if twice:
        raise RequestError(f"Two --build-secret have the id {twice!r}. {_ADVICE}")
    return tuple(found)


def _named(address: str) -> str:
    scheme, _, path = address.partition("://")
    return posixpath.basename(path) if scheme in ("env", "file") else ""
