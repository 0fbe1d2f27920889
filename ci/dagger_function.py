"""What all Dagger functions here have in common: they run each time they are called, and their errors are sentences."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import ParamSpec, TypeVar, cast

from dagger import function
from dagger.mod._exceptions import FunctionError

from ci.errors import StackError

P = ParamSpec("P")
R = TypeVar("R")


class RedRunError(StackError):
    """A run ended with images that failed; the text is its table."""


class _ToldError(FunctionError):
    """An error as the SDK passes it on: the name of its class, then its text, and no traceback as for other classes."""


_ToldError.__module__, _ToldError.__qualname__ = "builtins", "datahub"


def uncached_function(call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make a Dagger function that runs each time it is called, and whose errors are sentences.

    Dagger keeps results for seven days otherwise. An error that leaves a task group would reach the user as
    "unhandled errors in a TaskGroup": it is taken out here, once.
    """

    @functools.wraps(call)
    async def plainly(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(*args, **kwargs)
        except* StackError as group:
            told = dict.fromkeys(_texts(group))
        raise _ToldError("\n".join(told))

    # The SDK's overloads lack `cache` (dagger#11572).
    return cast("Callable[P, Awaitable[R]]", function(plainly, cache="never"))  # type: ignore[call-overload]


def _texts(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _texts(inner)
    else:
        yield str(error)
