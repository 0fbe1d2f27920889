import anyio
import pytest

from ci.adapters.dagger_engine.registry import is_transient, retry_transient, with_timeout
from ci.build.engine_failure import EngineFailure
from tests.clocks import QuickClock

PUT = "failed to copy: unexpected status from PUT request to https://a.io/v2/s/b/blobs/uploads/1: "
ADVICE = "the registry has no space left: free space or raise the quota there"


class Pushes:
    """A push that ends with each of these failures in turn, and then succeeds."""

    def __init__(self, *messages: str) -> None:
        self._messages = list(messages)

    async def __call__(self) -> str | EngineFailure:
        return EngineFailure(message=self._messages.pop(0), exit_code=1, output="o") if self._messages else "digest"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("messages", "waits"),
    [
        pytest.param([], [], id="at once"),
        pytest.param([f"{PUT}500", f"{PUT}429", "write: broken pipe"], [2, 4, 8], id="at the last try"),
    ],
)
async def test_transient_failures_are_retried_with_doubled_delays(messages: list[str], waits: list[float]) -> None:
    clock = QuickClock()
    assert await retry_transient(Pushes(*messages), clock) == "digest"
    assert clock.waits == waits


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("messages", "expected", "tries"),
    [
        pytest.param([f"{PUT}507"], f"{ADVICE}. The engine reports: {PUT}507", 1, id="lasting"),
        pytest.param(["unexpected EOF"] * 9, "unexpected EOF (tried 4 times)", 4, id="too often"),
        pytest.param(
            ["EOF", f"{PUT}507"], f"{ADVICE} (tried 2 times). The engine reports: {PUT}507", 2, id="then lasting"
        ),
    ],
)
async def test_the_last_failure_says_what_to_do_and_how_often_it_was_tried(
    messages: list[str], expected: str, tries: int
) -> None:
    clock = QuickClock()
    failure = await retry_transient(Pushes(*messages), clock)
    assert failure == EngineFailure(message=expected, exit_code=1, output="o")
    assert len(clock.waits) == tries - 1


@pytest.mark.anyio
async def test_a_call_that_was_abandoned_is_not_made_again() -> None:
    clock, calls = QuickClock(), []

    async def hanging() -> str:
        calls.append("call")
        await anyio.sleep_forever()
        return "digest"

    failure = await retry_transient(lambda: with_timeout(0.01, hanging(), "uploading"), clock)
    assert isinstance(failure, EngineFailure)
    assert failure.message.startswith("there was no response within 0 s. The engine may still be uploading, and ")
    assert (calls, clock.waits) == (["call"], [])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(f"{PUT}503", True, id="503"),
        pytest.param(f"{PUT}429", True, id="429"),
        pytest.param(f"{PUT}501", False, id="501"),
        pytest.param(f"{PUT}404", False, id="404"),
        pytest.param(f"{PUT}500: no space left on device", False, id="disk full"),
        pytest.param("dial tcp: connection refused", True, id="refused"),
        pytest.param("failed to do request: context deadline exceeded", True, id="a timeout of the engine"),
        pytest.param("tls: failed to verify certificate: EOF", False, id="certificate"),
        pytest.param("lstat /x: no such file", False, id="no network"),
    ],
)
def test_network_and_server_errors_may_pass(message: str, expected: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert is_transient(message) is expected
