"""Retries what may succeed the next time, and nothing else."""

import email.utils
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ci.clock import Clock, backoff
from ci.oci.registry import RegistryError

ResultType = TypeVar("ResultType")

TRIES = 5
# Seconds. Between attempts: 1, 2, 4, 8, each shortened at random by up to half.
_FIRST_DELAY = 1.0
# A registry that asks for a longer wait is not asked again: each request before that time counts against the limit.
MAX_DELAY = 60.0
# Docker Hub has sent the moment itself, as Unix time, where the number of seconds to wait is due.
_MIN_UNIX_TIME = 1e9
_MAX_PLAUSIBLE = 366 * 24 * 3600


class TransientError(Exception):
    """May succeed the next time. `error` is raised if it does not; `wait` is the delay that the registry asked for."""

    def __init__(self, error: RegistryError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


async def retry(attempt: Callable[[int], Awaitable[ResultType]], clock: Clock) -> ResultType:
    """Return what `attempt` returns, repeated a few times while it raises TransientError.

    It is given the number of attempts before it.
    """
    tried = 0
    while True:
        try:
            return await attempt(tried)
        except TransientError as failure:
            tried += 1
            delay = failure.wait if failure.wait is not None else backoff(tried, _FIRST_DELAY, clock.chance())
            if tried == TRIES or delay > MAX_DELAY:
                times = f" It was tried {tried} times." if tried > 1 else ""
                raise type(failure.error)(f"{failure.error}{times}") from failure
        await clock.sleep(delay)


def read_retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, from a number or a date; None if it is unreadable."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    else:
        seconds = seconds - now if seconds > _MIN_UNIX_TIME else seconds
    # More than a year is a mistake. The comparison is this way round because float() accepts `nan`, which must fail it.
    return max(seconds, 0.0) if seconds < _MAX_PLAUSIBLE else None
