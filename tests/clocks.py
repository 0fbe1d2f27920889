"""A clock for tests that does not wait."""

from ci.clock import Clock


class QuickClock(Clock):
    """Time that passes only by being waited for; `waits` are the seconds of each wait."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def chance(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
