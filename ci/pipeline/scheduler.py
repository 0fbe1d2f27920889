"""The one scheduler: runs the nodes of a graph side by side, each when all it needs has ended."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import anyio

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


async def run_graph(
    needs: Mapping[K, Sequence[K]],
    work: Callable[[K, Mapping[K, R]], Awaitable[R]],
    *,
    skip: Callable[[K, Mapping[K, R]], R | None],
    limit: int,
) -> dict[K, R]:
    """Run `work(node, results of what it needs)` for every node, at most `limit` at once; keep going on failures.

    `needs` lists every node, in an order in which no node stands before one that it needs: among those that could
    start at the same time, the first in that order does. `skip` is asked first, and its result, unless None, stands
    in for the work. Work tells of failure by its result; an exception ends the whole run.
    """
    ended = {node: anyio.Event() for node in needs}
    slots = anyio.CapacityLimiter(limit)
    results: dict[K, R] = {}

    async def run(node: K) -> None:
        for needed in needs[node]:
            await ended[needed].wait()
        upstream = {needed: results[needed] for needed in needs[node]}
        result = skip(node, upstream)
        if result is None:
            async with slots:
                result = await work(node, upstream)
        results[node] = result
        ended[node].set()

    async with anyio.create_task_group() as tasks:
        for node in needs:
            tasks.start_soon(run, node, name=str(node))
    return {node: results[node] for node in needs}
