"""A decorator for all Dagger functions here: they run each time they are called, and their errors are sentences."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import ParamSpec, TypeVar, cast

from dagger import function
from dagger.mod._exceptions import FunctionError

from ci.errors import StackError

P = ParamSpec("P")
R = TypeVar("R")


class RedRunError(StackError):
    """Images failed in this run; the text is the report's table."""


class _PlainError(FunctionError):
    """An error that the SDK shows as the name of its class and its text, without the traceback of other classes."""


# The name that is shown: without it, users would read `ci.dagger_function._PlainError`.
_PlainError.__module__, _PlainError.__qualname__ = "builtins", "datahub"


def uncached_function(call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make a Dagger function that runs each time it is called, and whose errors are sentences.

    Without this, Dagger caches results for seven days, and an error from a task group reaches the user as "unhandled
    errors in a TaskGroup".
    """

    @functools.wraps(call)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(*args, **kwargs)
        except* StackError as group:
            texts = dict.fromkeys(_texts(group))
        raise _PlainError("\n".join(texts))

    # The SDK's overloads lack `cache` (dagger#11572).
    return cast("Callable[P, Awaitable[R]]", function(wrapper, cache="never"))  # type: ignore[call-overload]


def _texts(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _texts(inner)
    else:
        yield str(error)
