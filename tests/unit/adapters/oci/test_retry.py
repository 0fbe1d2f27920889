import pytest

from ci.adapters.oci.retry import MAX_DELAY, TRIES, TransientError, read_retry_after, retry
from ci.clock import Clock
from ci.oci.registry import AccessError, RateLimitError, ServerFaultError
from tests.clocks import QuickClock

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("7", 7, id="seconds"),
        pytest.param("0", 0, id="now"),
        pytest.param("0.5", 0.5, id="half a second"),
        pytest.param("-3", 0, id="before now"),
        pytest.param("Fri, 15 Jan 2027 08:01:30 GMT", 90, id="date"),
        pytest.param("Fri, 15 Jan 2027 07:00:00 GMT", 0, id="date before now"),
        pytest.param("1800000060", 60, id="Unix time"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="word"),
        pytest.param("nan", None, id="no number"),
        pytest.param("inf", None, id="never"),
        pytest.param("1e300", None, id="nearly never"),
        pytest.param("Fri, 15 Jan 2997 08:00:00 GMT", None, id="in a thousand years"),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


class Failing:
    """An attempt that fails a number of times, each time the same way."""

    def __init__(self, times: int, *, wait: float | None = None) -> None:
        self.tried = 0
        self._times = times
        self._wait = wait

    async def __call__(self, retries: int) -> str:
        assert retries == self.tried
        self.tried += 1
        if self.tried <= self._times:
            raise TransientError(ServerFaultError("It failed."), self._wait)
        return "done"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("attempt", "waits"),
    [
        pytest.param(Failing(0), [], id="at once"),
        pytest.param(Failing(2), [1, 2], id="at the third try"),
        pytest.param(Failing(TRIES - 1), [1, 2, 4, 8], id="at the last try"),
        pytest.param(Failing(2, wait=9), [9, 9], id="as the registry asked"),
        pytest.param(Failing(1, wait=0), [0], id="at once, as the registry asked"),
        pytest.param(Failing(1, wait=MAX_DELAY), [MAX_DELAY], id="the longest wait"),
    ],
)
async def test_delays_double(attempt: Failing, waits: list[float]) -> None:
    clock = QuickClock()
    assert await retry(attempt, clock) == "done"
    assert clock.waits == waits


@pytest.mark.anyio
async def test_the_last_error_says_how_often_it_was_tried() -> None:
    attempt = Failing(99)
    with pytest.raises(ServerFaultError, match=r"^It failed\. It was tried 5 times\.$"):
        await retry(attempt, QuickClock())
    assert attempt.tried == TRIES


@pytest.mark.anyio
async def test_a_registry_that_asks_for_a_long_wait_is_not_retried() -> None:
    attempt, clock = Failing(1, wait=MAX_DELAY + 1), QuickClock()
    with pytest.raises(ServerFaultError, match=r"^It failed\.$"):
        await retry(attempt, clock)
    assert (attempt.tried, clock.waits) == (1, [])


@pytest.mark.anyio
@pytest.mark.parametrize("error", [AccessError("No."), RateLimitError("Not here."), ValueError("bug")], ids=repr)
async def test_what_is_not_transient_is_not_retried(error: Exception) -> None:
    tried = []

    async def attempt(_retries: int) -> None:
        tried.append(1)
        raise error

    with pytest.raises(type(error)) as raised:
        await retry(attempt, QuickClock())
    assert (raised.value, tried) == (error, [1])


class LuckyClock(QuickClock):
    def __init__(self, chance: float) -> None:
        super().__init__()
        self._chance = chance

    def chance(self) -> float:
        return self._chance


@pytest.mark.anyio
@pytest.mark.parametrize(("chance", "waits"), [(0.0, [0.5, 1]), (0.5, [0.75, 1.5]), (1.0, [1, 2])])
async def test_chance_shortens_a_wait_to_as_little_as_half(chance: float, waits: list[float]) -> None:
    clock = LuckyClock(chance)
    await retry(Failing(2), clock)
    assert clock.waits == waits


@pytest.mark.anyio
async def test_the_real_clock_goes_on() -> None:
    clock = Clock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() >= before + 0.005
    assert len({clock.chance() for _ in range(9)}) > 1
    assert all(0 <= clock.chance() <= 1 for _ in range(99))
