"""Which engine builds which share, and what happens to those without a report."""

import threading
import time
from collections.abc import Collection

import pytest

from native_engine.fleet_queue import Ending, ShareQueue

A, B, C = "tcp://a", "tcp://b", "tcp://c"


class FakeClient:
    """Loses shares as it is told: `lost` are pairs of a share and an engine, and `dead` are engines after a loss.

    So many calls as `together` end only if they run at once.
    """

    def __init__(
        self, lost: Collection[tuple[str, str]] = (), dead: Collection[str] = (), *, together: int = 1
    ) -> None:
        self.lost = lost
        self.dead = dead
        self.calls: list[tuple[str, str, int]] = []
        self._together = threading.Barrier(together)
        self._busy: list[str] = []
        self._lock = threading.Lock()

    def build(self, share: str, engine: str, attempt: int) -> Ending:
        with self._lock:
            assert engine not in self._busy, "an engine has one share at a time"
            self._busy.append(engine)
            self.calls.append((share, engine, attempt))
        self._together.wait(timeout=10)
        time.sleep(0.01)  # as long as another one has to be given to this engine
        with self._lock:
            self._busy.remove(engine)
        is_lost = (share, engine) in self.lost
        return Ending(has_report=not is_lost, text="ended without a report" if is_lost else "built 1")

    def is_up(self, engine: str) -> bool:
        return engine not in self.dead

    @property
    def attempts(self) -> dict[str, list[tuple[str, int]]]:
        """The engines and numbers of the attempts of each share."""
        found: dict[str, list[tuple[str, int]]] = {}
        for share, engine, attempt in self.calls:
            found.setdefault(share, []).append((engine, attempt))
        return found


def run(client: FakeClient, engines: list[str], shares: list[str]) -> tuple[tuple[str, ...], list[str], list[str]]:
    """Return the shares without a report, the engines that are left, and the lines."""
    lines: list[str] = []
    queue = ShareQueue(client, engines, lines.append)
    return queue.run(shares), queue.engines, lines


def test_each_share_is_built_once_in_their_order() -> None:
    client = FakeClient(together=3)
    shares = [f"branch-{number}" for number in range(9)]
    lost, engines, lines = run(client, [A, B, C], shares)
    assert (lost, engines) == ((), [A, B, C])
    assert sorted(share for share, _, _ in client.calls) == shares
    assert lines[:3] == [f"branch-0 on {A}: started", f"branch-1 on {B}: started", f"branch-2 on {C}: started"]


def test_no_shares_and_fewer_than_engines() -> None:
    assert run(FakeClient(), [A, B], [])[0] == ()
    client = FakeClient()
    assert run(client, [A, B], ["trunk-1"])[0] == ()
    assert client.calls == [("trunk-1", A, 1)]


def test_a_share_without_a_report_goes_to_another_engine() -> None:
    client = FakeClient(lost=[("x", A)])
    lost, engines, lines = run(client, [A, B], ["x"])
    assert (lost, engines) == ((), [A, B])
    assert client.attempts == {"x": [(A, 1), (B, 2)]}
    assert lines == [
        f"x on {A}: started", f"x on {A}: ended without a report", f"x on {B}: started", f"x on {B}: built 1",
    ]  # fmt: skip


def test_it_is_given_away_once() -> None:
    client = FakeClient(lost=[("x", A), ("x", B), ("x", C)])
    lost, engines, lines = run(client, [A, B, C], ["x"])
    assert (lost, engines) == (("x",), [A, B, C])
    assert client.attempts == {"x": [(A, 1), (B, 2)]}
    assert lines[-1] == "x: given up after 2 attempts"


def test_the_only_engine_builds_it_again_if_it_answers() -> None:
    client = FakeClient(lost=[("x", A)])
    assert run(client, [A], ["x"])[0] == ("x",)
    assert client.attempts == {"x": [(A, 1), (A, 2)]}


def test_an_engine_that_died_gets_no_more_shares() -> None:
    client = FakeClient(lost=[("x", A)], dead=[A])
    lost, engines, lines = run(client, [A, B], ["x", "y", "z"])
    assert (lost, engines) == ((), [B])
    assert {engine for share, engine, _ in client.calls if share != "x"} == {B}
    assert client.attempts["x"] == [(A, 1), (B, 2)]
    assert f"{A} does not answer: it gets no more shares" in lines


def test_without_an_engine_nothing_is_built() -> None:
    client = FakeClient(lost=[("x", A), ("y", B)], dead=[A, B])
    lost, engines, lines = run(client, [A, B], ["x", "y", "z"])
    assert sorted(lost) == ["x", "y", "z"]
    assert engines == []
    assert "z: no engine is left to build it" in lines


def test_an_error_of_a_client_is_not_lost() -> None:
    class Broken(FakeClient):
        def build(self, share: str, engine: str, attempt: int) -> Ending:
            raise ValueError(share, engine, attempt)

    with pytest.raises(ValueError, match="x"):
        run(Broken(), [A], ["x"])
