"""Divides a plan among machines: a trunk that the others are built on, then branches that do not depend on each other.

There are two rounds, and no machine waits within one. The trunk grows by one image at a time: a root of the group that
takes longest, which falls apart when enough of its top is in the trunk. Of all that this leads to, the division that is
predicted to be the fastest is taken.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ci.planning.plan import Plan
from ci.sharing.model import Costs, Division, Share, Weight
from ci.sharing.predicting import predict
from ci.sharing.work import Work

_DEFAULT = Costs()
_WORTH_IT = 0.9
"""Of the time of one machine: more machines cost more in all, and a little is not worth it."""
_PREDICTED = 4
"""How many divisions are simulated: those with the best estimates."""
_GATHERING = 5.0
"""Seconds for the requests of the machine that gathers."""

_BETTER = 0.995
"""Of the best so far: what can be no better than that is not packed."""


class _Group(NamedTuple):
    """Images that depend on no other group, with the seconds of all their tasks together."""

    seconds: float
    images: tuple[str, ...]


class _Candidate(NamedTuple):
    seconds: float
    trunk: tuple[tuple[str, ...], ...]
    branches: tuple[tuple[str, ...], ...]


def divide(plan: Plan, weights: Mapping[str, Weight], machines: int, costs: Costs = _DEFAULT) -> Division:
    """Return the shares of what a plan builds and tests, for at most so many machines at once.

    `weights` are by image; what is not known is the median of the others. The same plan gives the same division,
    whatever the order of its images.
    """
    work = Work(plan, weights)
    everything = tuple(work.awaited)
    if not everything:
        return Division(trunk=(), branches=(), expected=0.0, alone=0.0)
    alone = costs.start + predict(work, everything, costs).seconds
    found = [_predicted(work, one, costs) for one in _best(_candidates(work, machines, costs))] if machines > 1 else []
    best = min(found, key=lambda one: (one.expected, len(one.shares)), default=None)
    if best is None or best.expected > alone * _WORTH_IT:
        trunk = (_share(work, "trunk-1", everything, costs, 1),)
        return Division(trunk=trunk, branches=(), expected=alone, alone=alone)
    return Division(trunk=best.trunk, branches=best.branches, expected=best.expected, alone=alone)


def _predicted(work: Work, candidate: _Candidate, costs: Costs) -> Division:
    trunk, branches = (
        tuple(
            _share(work, f"{word}-{number}", names, costs, len(groups)) for number, names in enumerate(groups, start=1)
        )
        for word, groups in (("trunk", candidate.trunk), ("branch", candidate.branches))
    )
    rounds = [costs.start + max(share.seconds for share in shares) for shares in (trunk, branches) if shares]
    seconds = sum(rounds) + costs.start + _GATHERING
    return Division(trunk=trunk, branches=branches, expected=seconds, alone=0.0)


def _share(work: Work, name: str, images: Sequence[str], costs: Costs, beside: int) -> Share:
    seconds = predict(work, images, costs, beside=beside).seconds
    return Share(name=name, images=tuple(images), needs=work.outside(images), seconds=seconds)


def _best(candidates: Iterable[_Candidate]) -> Sequence[_Candidate]:
    return heapq.nsmallest(_PREDICTED, candidates, key=lambda one: (one.seconds, len(one.branches), one.trunk))


def _candidates(work: Work, machines: int, costs: Costs) -> Iterator[_Candidate]:
    """Yield divisions with an estimate of their time each: seconds of the tasks alone."""
    trunk = _Trunk(work)
    best = max(*work.below.values(), sum(work.total[name] for name in work.awaited) / costs.slots)
    # With more in the trunk, it takes no less: whatever is packed then cannot be better than the best so far.
    while (least := trunk.seconds(costs.slots, machines)) < best:
        if least + trunk.rest(costs.slots, machines) < best * _BETTER:
            number = min(machines, max(len(trunk.tops), len(trunk.groups)))
            while number > 1:
                candidate = _packed(work, trunk, number, costs.slots)
                best = min(best, candidate.seconds)
                yield candidate
                number //= 2
        if not trunk.grow():
            return


def _packed(work: Work, trunk: "_Trunk", machines: int, slots: int) -> _Candidate:
    packed = [_pack(work, groups, machines) for groups in (trunk.tops, trunk.groups)]
    seconds = sum(
        max((max(load / slots, *(path[name] for name in names)) for load, names in bins), default=0.0)
        for bins, path in zip(packed, (work.above, work.below), strict=True)
    )
    tops, branches = (tuple(names for _, names in bins) for bins in packed)
    return _Candidate(seconds, tops, branches)


def _pack(work: Work, groups: Iterable[_Group], machines: int) -> Sequence[_Group]:
    """Give each group to the machine with the least to do, those that take longest first."""
    loads: list[tuple[float, int]] = [(0.0, number) for number in range(machines)]
    packed: list[list[str]] = [[] for _ in loads]
    for group in sorted(groups, key=lambda group: (-group.seconds, work.rank[group.images[0]])):
        load, number = loads[0]
        packed[number].extend(group.images)
        heapq.heapreplace(loads, (load + group.seconds, number))
    bins = [_Group(load, work.in_order(packed[number])) for load, number in loads if packed[number]]
    return sorted(bins, key=lambda group: work.rank[group.images[0]])


class _Trunk:
    """The trunk as it grows: everything that one of its images waits for is in it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._longest = self._total = 0.0
        self._left = sum(work.total[name] for name in work.awaited)
        self._tops: dict[str, _Group] = {}
        self._heap: list[tuple[float, int, _Group]] = []
        self._add(work.components(work.awaited))

    @property
    def tops(self) -> Sequence[_Group]:
        """The trunk, as groups that do not depend on each other."""
        return [*dict.fromkeys(self._tops.values())]

    @property
    def groups(self) -> Sequence[_Group]:
        """The images outside of the trunk, as groups that do not depend on each other."""
        return [group for _, _, group in self._heap]

    def seconds(self, slots: int, machines: int) -> float:
        """Return what the trunk takes at least."""
        largest = max((group.seconds for group in self.tops), default=0.0)
        return max(self._longest, largest / slots, self._total / (slots * machines))

    def rest(self, slots: int, machines: int) -> float:
        """Return what the groups take at least, in seconds."""
        return max(self._left / (slots * machines), self._heap[0][2].seconds / slots)

    def grow(self) -> bool:
        """Move images of the largest group into the trunk until it falls apart; return whether anything is left."""
        _, _, group = heapq.heappop(self._heap)
        parts: Sequence[tuple[str, ...]] = (group.images,)
        while len(parts) == 1:
            root = self._root(parts[0])
            self._take(root)
            parts = self._work.components([name for name in parts[0] if name != root])
        self._add(parts)
        return bool(self._heap)

    def _root(self, names: Sequence[str]) -> str:
        """Return the image that waits for nothing of its group and that is followed by the longest path."""
        own = set(names)
        roots = [name for name in names if not any(need in own for need in self._work.awaited[name])]
        return max(roots, key=lambda name: (self._work.below[name], -self._work.rank[name]))

    def _take(self, root: str) -> None:
        seconds = self._work.total[root]
        self._total += seconds
        self._left -= seconds
        self._longest = max(self._longest, self._work.above[root])
        above = dict.fromkeys(self._tops[need] for need in self._work.awaited[root])
        names = self._work.in_order([root, *(name for group in above for name in group.images)])
        joined = _Group(seconds + sum(group.seconds for group in above), names)
        self._tops.update(dict.fromkeys(names, joined))

    def _add(self, groups: Iterable[tuple[str, ...]]) -> None:
        for names in groups:
            group = _Group(sum(self._work.total[name] for name in names), names)
            heapq.heappush(self._heap, (-group.seconds, self._work.rank[names[0]], group))
