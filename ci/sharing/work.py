"""What is to be done of a plan, as a graph with weights."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from statistics import median

import msgspec

from ci.planning.plan import Plan
from ci.sharing.model import Weight
from ci.stack.graph import ordered
from ci.stack.image import SuiteKind

_GPU = f"/{SuiteKind.GPU}"
_UNKNOWN = Weight(build=60, test=60, upload=30, size=500_000_000)
"""Of every image, where nothing was ever measured."""


class Work(msgspec.Struct, frozen=True, dict=True):
    """The images of a plan that are built or tested again, and what they depend on.

    It is the same for the same plan, in whatever order its images are.
    """

    plan: Plan
    known: Mapping[str, Weight]

    @cached_property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """What each image of the plan depends on, each image after those."""
        needs = {image.name: tuple(sorted(image.needs)) for image in self.plan.images}
        return {name: needs[name] for name in ordered(needs)}

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The place of each image of the plan: after those that it depends on."""
        return {name: place for place, name in enumerate(self.needs)}

    @cached_property
    def built(self) -> frozenset[str]:
        """The images that are built; others are tested again."""
        return frozenset(self.plan.to_build)

    @cached_property
    def awaited(self) -> Mapping[str, tuple[str, ...]]:
        """The images that are to be done, and of what each depends on the part that is built first."""
        done = set(self.plan.to_test)
        return {
            name: tuple(need for need in needs if {need, name} <= self.built)
            for name, needs in self.needs.items()
            if name in done
        }

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The images that wait for each image."""
        found: dict[str, list[str]] = {name: [] for name in self.awaited}
        for name, needs in self.awaited.items():
            for need in needs:
                found[need].append(name)
        return {name: tuple(names) for name, names in found.items()}

    @cached_property
    def weights(self) -> Mapping[str, Weight]:
        """The weight of each image of the plan. What is not known is the median of what is."""
        middle = _median(self.known.values())
        tested = {one.name for one in self.plan.images if any(not suite.endswith(_GPU) for suite in one.suites)}
        return {
            name: Weight(
                build=weight.build if name in self.built else 0.0,
                test=weight.test if name in tested else 0.0,
                upload=weight.upload if name in self.built else 0.0,
                size=weight.size,
            )
            for name in self.needs
            for weight in [_completed(self.known.get(name, Weight()), middle)]
        }

    @cached_property
    def own_sizes(self) -> Mapping[str, int]:
        """The bytes that each image of the plan adds to its parent."""
        parents = {image.name: image.parent for image in self.plan.images}
        sizes = {name: weight.size for name, weight in self.weights.items()}
        return {name: max(0, size - sizes.get(parents[name] or "", 0)) for name, size in sizes.items()}

    @cached_property
    def total(self) -> Mapping[str, float]:
        """Seconds of all tasks of each image."""
        return {name: weight.build + weight.test + weight.upload for name, weight in self.weights.items()}

    @cached_property
    def below(self) -> Mapping[str, float]:
        """Seconds from the start of each image to the end of the last that waits for it, with slots for all."""
        found: dict[str, float] = {}
        for name in reversed(tuple(self.awaited)):
            own = self.weights[name]
            found[name] = own.build + max([own.test, own.upload, *(found[child] for child in self.children[name])])
        return found

    @cached_property
    def above(self) -> Mapping[str, float]:
        """Seconds from the start of the first image that each one waits for to its own end, with slots for all."""
        built: dict[str, float] = {}
        for name, needs in self.awaited.items():
            built[name] = self.weights[name].build + max((built[need] for need in needs), default=0.0)
        return {
            name: seconds + max(self.weights[name].test, self.weights[name].upload) for name, seconds in built.items()
        }

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return images in the order in which they can be built."""
        return tuple(sorted(names, key=self.rank.__getitem__))

    def outside(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the images that some depend on without being among them, in order."""
        own = set(names)
        return self.in_order({need for name in own if name in self.built for need in self.needs[name]} - own)

    def components(self, names: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """Return images as groups that do not depend on each other, each in order."""
        left = set(names)
        found: list[tuple[str, ...]] = []
        for start in self.in_order(names):
            if start not in left:
                continue
            left.discard(start)
            group = [start]
            for name in group:
                for other in (*self.awaited[name], *self.children[name]):
                    if other in left:
                        left.discard(other)
                        group.append(other)
            found.append(self.in_order(group))
        return tuple(found)


def _median(weights: Iterable[Weight]) -> Weight:
    known = tuple(weights)

    def of(values: Sequence[float], default: float) -> float:
        measured = [value for value in values if value]
        return median(measured) if measured else default

    return Weight(
        build=of([weight.build for weight in known], _UNKNOWN.build),
        test=of([weight.test for weight in known], _UNKNOWN.test),
        upload=of([weight.upload for weight in known], _UNKNOWN.upload),
        size=int(of([weight.size for weight in known], _UNKNOWN.size)),
    )


def _completed(weight: Weight, middle: Weight) -> Weight:
    return Weight(
        build=weight.build or middle.build,
        test=weight.test or middle.test,
        upload=weight.upload or middle.upload,
        size=weight.size or middle.size,
    )
