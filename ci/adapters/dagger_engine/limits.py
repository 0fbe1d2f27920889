"""Limits on what the module waits for: the engine's client has none of its own, and may wait forever in silence."""

from collections.abc import Awaitable
from typing import TypeVar

import anyio
import dagger

from ci.adapters.dagger_engine.errors import clean
from ci.errors import ExternalError

T = TypeVar("T")

LIMIT = 600.0
"""Seconds. Reading a tree of 200,000 files and 5 GB takes a tenth of it."""


async def within_limit(what: str, call: Awaitable[T], seconds: float = LIMIT) -> T:
    """Return the result of an engine call. `what` ends the sentence "The engine could not …".

    Raises ExternalError if the call fails, or takes too long.
    """
    try:
        with anyio.fail_after(seconds):
            return await call
    except TimeoutError as error:
        raise ExternalError(
            f"The engine could not {what} within {seconds:.0f} s. Run the same command again; if it hangs again, "
            "restart the engine."
        ) from error
    except dagger.QueryError as error:
        raise ExternalError(f"The engine could not {what}: {clean(str(error))}") from error
