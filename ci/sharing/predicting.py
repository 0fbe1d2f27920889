"""Predicts how long a machine takes for a share: a simulation of a run's tasks, and of what is fetched before."""

import heapq
from collections.abc import Collection
from typing import NamedTuple

from ci.sharing.model import Costs
from ci.sharing.work import Work
from ci.timing import TaskKind

_PRIORITY = {TaskKind.STAGE: 0, TaskKind.UPLOAD: 1, TaskKind.SUITE: 2}
"""As in a run: building first, then uploads, then tests."""


class Prediction(NamedTuple):
    """Seconds without the machine's start, and the bytes that are fetched from the registry."""

    seconds: float
    fetched: int


def predict(work: Work, names: Collection[str], costs: Costs, *, beside: int = 1) -> Prediction:
    """Return what one machine needs for some images, of which none waits for an image of a share beside it.

    `beside` is how many machines fetch at the same time, this one included.
    """
    fetched = sum(work.own_sizes[name] for name in _fetched(work, names))
    rate = min(costs.link, costs.registry / max(1, beside))
    return Prediction(fetched / rate + fetched / costs.unpack + _run(work, names, costs.slots), fetched)


def _fetched(work: Work, names: Collection[str]) -> frozenset[str]:
    """Return all images whose layers are fetched: what others depend on, and what is tested again."""
    found: set[str] = set()
    pending = [*work.outside(names), *(name for name in names if name not in work.built)]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(work.needs[name])
    return frozenset(found)


def _run(work: Work, names: Collection[str], slots: int) -> float:
    """Simulate tasks that wait for each other and for a free slot; return when the last ends."""
    own = set(names)
    missing = {name: sum(need in own for need in work.awaited[name]) for name in own}
    ready = [(0, work.rank[name], TaskKind.STAGE, name) for name in own if not missing[name]]
    heapq.heapify(ready)
    running: list[tuple[float, int, TaskKind, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, rank, kind, name = heapq.heappop(ready)
            weight = work.weights[name]
            seconds = {TaskKind.STAGE: weight.build, TaskKind.UPLOAD: weight.upload}.get(kind, weight.test)
            heapq.heappush(running, (now + seconds, rank, kind, name))
        now, rank, kind, name = heapq.heappop(running)
        if kind is TaskKind.STAGE:
            for later in (TaskKind.UPLOAD, TaskKind.SUITE):
                heapq.heappush(ready, (_PRIORITY[later], rank, later, name))
            for child in work.children[name]:
                if child in own:
                    missing[child] -= 1
                    if not missing[child]:
                        heapq.heappush(ready, (0, work.rank[child], TaskKind.STAGE, child))
    return now
