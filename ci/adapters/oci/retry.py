"""Trying again what may work the next time, and only that."""

import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ci.oci.registry import RegistryError

ResultType = TypeVar("ResultType")

TRIES = 5
# Seconds. Between tries: 1, 2, 4, 8, each shortened by chance to as little as half, so that many do not come at once.
_FIRST_DELAY = 1.0
# A registry that says it will take longer is not asked again: each try before its time counts against the limit.
MOST_DELAY = 60.0
# Docker Hub has sent the moment itself, in seconds of Unix time, where the number of seconds to wait is due.
_LEAST_UNIX_TIME = 1e9
_MOST_SENSIBLE = 366 * 24 * 3600


class Clock:
    """The time, in seconds of Unix time, and waiting. Tests bring one that does not wait."""

    def now(self) -> float:
        """Return the time now."""
        return time.time()

    def chance(self) -> float:
        """Return a number between 0 and 1."""
        return random.random()  # noqa: S311 (nothing secret comes of it)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class TransientError(Exception):
    """May work the next time; `error` is what it means if it does not. `wait` is the time the registry asked for."""

    def __init__(self, error: RegistryError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


async def retry(attempt: Callable[[], Awaitable[ResultType]], clock: Clock) -> ResultType:
    """Return what an attempt returns, trying again after each TransientError, a few times."""
    tried = 1
    while True:
        try:
            return await attempt()
        except TransientError as failure:
            delay = failure.wait if failure.wait is not None else _delay(tried, clock.chance())
            if tried == TRIES or delay > MOST_DELAY:
                times = f" It was tried {tried} times." if tried > 1 else ""
                raise type(failure.error)(f"{failure.error}{times}") from failure
        await clock.sleep(delay)
        tried += 1


def _delay(tried: int, chance: float) -> float:
    return _FIRST_DELAY * (1 << tried - 1) * (0.5 + chance / 2)


def read_retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, from a number or a date; None if it cannot be read."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    else:
        seconds = seconds - now if seconds > _LEAST_UNIX_TIME else seconds
    # More than a year is unexpected_response. Not the other way round: `nan` is a number to float(), and less than nothing.
    return max(seconds, 0.0) if seconds < _MOST_SENSIBLE else None
