"""A queue of shares, and the engines that take from it: one share at a time each."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Protocol

MOST_ATTEMPTS = 2


class Ending(NamedTuple):
    """How a client ended: whether it left a report, and the line about it."""

    has_report: bool
    text: str


class Client(Protocol):
    """Runs what a fleet does on one of its engines."""

    def build(self, share: str, engine: str, attempt: int) -> Ending:
        """Build one share, and wait for its end. Attempts are counted from 1."""
        ...

    def is_up(self, engine: str) -> bool:
        """Whether an engine answers."""
        ...


class _Attempt(NamedTuple):
    share: str
    engines: tuple[str, ...] = ()  # those that it was tried on before


class ShareQueue:
    """The engines of a fleet. `engines` are those that have not died."""

    def __init__(self, client: Client, engines: Sequence[str], tell: Callable[[str], None]) -> None:
        """Take the addresses of engines, and what prints a line."""
        self.engines = [*engines]
        self._client = client
        self._tell = tell

    def run(self, shares: Sequence[str]) -> tuple[str, ...]:
        """Build shares that do not depend on each other; return those that left no report.

        A share whose client ends without a report is given to another engine, once; to the same one if there is no
        other. An engine that does not answer after that gets no more shares.
        """
        pending = [_Attempt(share) for share in shares]
        lost: list[str] = []
        running: dict[Future[Ending], tuple[_Attempt, str]] = {}
        pool = ThreadPoolExecutor(max(1, len(self.engines)))
        try:
            while True:
                self._start(pool, pending, running)
                if not running:
                    break
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    attempt, engine = running.pop(done)
                    self._end(done.result(), attempt, engine, pending, lost)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for attempt in pending:
            self._tell(f"{attempt.share}: no engine is left to build it")
        return (*lost, *(attempt.share for attempt in pending))

    def _start(
        self, pool: ThreadPoolExecutor, pending: list[_Attempt], running: dict[Future[Ending], tuple[_Attempt, str]]
    ) -> None:
        busy = {engine for _, engine in running.values()}
        for engine in self.engines:
            attempt = next((one for one in pending if engine not in busy and self._may_take(engine, one)), None)
            if attempt:
                pending.remove(attempt)
                self._tell(f"{attempt.share} on {engine}: started")
                number = len(attempt.engines) + 1
                running[pool.submit(self._client.build, attempt.share, engine, number)] = (attempt, engine)

    def _may_take(self, engine: str, attempt: _Attempt) -> bool:
        return engine not in attempt.engines or all(one in attempt.engines for one in self.engines)

    def _end(self, ending: Ending, attempt: _Attempt, engine: str, pending: list[_Attempt], lost: list[str]) -> None:
        share, engines = attempt
        self._tell(f"{share} on {engine}: {ending.text}")
        if ending.has_report:
            return
        if not self._client.is_up(engine):
            self.engines.remove(engine)
            self._tell(f"{engine} does not answer: it gets no more shares")
        tried = (*engines, engine)
        if len(tried) < MOST_ATTEMPTS:
            pending.insert(0, _Attempt(share, tried))
        else:
            self._tell(f"{share}: given up after {len(tried)} attempts")
            lost.append(share)
