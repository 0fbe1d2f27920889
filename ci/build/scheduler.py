"""The one scheduler: runs the nodes of a graph side by side, each when all it needs has ended."""

import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

Work = Callable[[K, Mapping[K, R]], Awaitable[R]]
Skip = Callable[[K, Mapping[K, R]], R | None]


async def run_graph(needs: Mapping[K, Sequence[K]], work: Work[K, R], *, skip: Skip[K, R], limit: int) -> dict[K, R]:
    """Run `work(node, results of what it needs)` for every node, at most `limit` at once; keep going on failures.

    `needs` lists every node, and a free slot goes to the first in that order of those that are ready, whichever was
    ready before. `skip` is asked first, and its result, unless None, stands in for the work. Work tells of failure by
    its result; an exception ends the whole run.
    """
    async with anyio.create_task_group() as tasks:
        graph = _Graph(needs, work, skip, limit, tasks)
        graph.begin()
    return {node: graph.results[node] for node in needs}


class _Graph(Generic[K, R]):
    def __init__(
        self, needs: Mapping[K, Sequence[K]], work: Work[K, R], skip: Skip[K, R], limit: int, tasks: TaskGroup
    ) -> None:
        self.results: dict[K, R] = {}
        self._needs = needs
        self._work = work
        self._skip = skip
        self._free = limit
        self._tasks = tasks
        self._rank = {node: rank for rank, node in enumerate(needs)}
        self._missing = {node: len(set(needed)) for node, needed in needs.items()}
        self._users: dict[K, list[K]] = {node: [] for node in needs}
        for node, needed in needs.items():
            for one in set(needed):
                self._users[one].append(node)
        self._ready: list[tuple[int, K]] = []

    def begin(self) -> None:
        """Start what needs nothing."""
        self._admit(node for node, missing in self._missing.items() if not missing)
        self._start()

    def _admit(self, nodes: Iterable[K]) -> None:
        """Queue nodes whose needs have all ended; those that are skipped end at once, and may let others in."""
        waiting = deque(nodes)
        while waiting:
            node = waiting.popleft()
            skipped = self._skip(node, self._upstream(node))
            if skipped is None:
                heapq.heappush(self._ready, (self._rank[node], node))
            else:
                waiting.extend(self._end(node, skipped))

    def _end(self, node: K, result: R) -> Sequence[K]:
        """Keep a result; return the nodes that waited for nothing else."""
        self.results[node] = result
        for user in self._users[node]:
            self._missing[user] -= 1
        return [user for user in self._users[node] if not self._missing[user]]

    def _start(self) -> None:
        while self._free and self._ready:
            _, node = heapq.heappop(self._ready)
            self._free -= 1
            self._tasks.start_soon(self._run, node, name=str(node))

    async def _run(self, node: K) -> None:
        result = await self._work(node, self._upstream(node))
        self._free += 1
        self._admit(self._end(node, result))
        self._start()

    def _upstream(self, node: K) -> Mapping[K, R]:
        return {needed: self.results[needed] for needed in self._needs[node]}
