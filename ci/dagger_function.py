"""A decorator for all Dagger functions here: they run each time they are called, and their errors are sentences."""

import functools
import traceback
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar, cast

import dagger
from dagger import function
from dagger.mod._exceptions import FunctionError

from ci.adapters.dagger_engine.errors import clean
from ci.errors import StackError, describe_unexpected, leaf_errors

P = ParamSpec("P")
R = TypeVar("R")


class RedRunError(StackError):
    """Not all of it could be done. The text is what was done, and what was not."""


class _PlainError(FunctionError):
    """An error that the SDK shows as the name of its class and its text, without the traceback of other classes."""


# The name that is shown: without it, users would read `ci.dagger_function._PlainError`.
_PlainError.__module__, _PlainError.__qualname__ = "builtins", "datahub"


def uncached_function(call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make a Dagger function that runs each time it is called, and whose errors are sentences.

    Without this, Dagger caches results for seven days, and an error from a task group reaches the user as "unhandled
    errors in a TaskGroup", any other as a traceback.
    """

    @functools.wraps(call)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the last resort: whatever it is, the user gets a sentence)
            text, is_planned = error_text(error)
            if not is_planned:
                traceback.print_exception(error)  # part of Dagger's progress, for the issue that is to be opened
        raise _PlainError(text)

    # The SDK's overloads lack `cache` (dagger#11572).
    return cast("Callable[P, Awaitable[R]]", function(wrapper, cache="never"))  # type: ignore[call-overload]


def error_text(error: Exception) -> tuple[str, bool]:
    """Return what a user reads of an error, and whether it is one that was planned for.

    Of several errors each text is there once; those that were planned for leave out what went wrong besides.
    """
    texts = dict.fromkeys(filter(None, map(_planned_text, leaf_errors(error))))
    if texts:
        return "\n".join(texts), True
    return f"The call failed: {describe_unexpected(error)}, with the traceback above.", False


def _planned_text(error: BaseException) -> str:
    if isinstance(error, StackError):
        return str(error)
    # Arguments are read by the engine: a file or a variable of an option that does not exist.
    return f"The Dagger engine reports: {clean(str(error))}" if isinstance(error, dagger.DaggerError) else ""
