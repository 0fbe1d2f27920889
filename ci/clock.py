"""Time, randomness and waiting between attempts, in one place: tests use a clock that does not wait."""

import random
import time

import anyio


class Clock:
    """The time in seconds of Unix time, and waiting."""

    def now(self) -> float:
        """Return the time now."""
        return time.time()

    def chance(self) -> float:
        """Return a random number between 0 and 1."""
        return random.random()  # noqa: S311 (nothing secret comes of it)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


def backoff(tried: int, first: float, chance: float) -> float:
    """Return the seconds to wait after attempt number `tried`: `first` doubled each time, shortened by up to half.

    The random part keeps many clients that failed together from coming back together.
    """
    return first * (1 << tried - 1) * (0.5 + chance / 2)
