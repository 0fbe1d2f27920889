"""The images as a graph: dependencies, cycles and order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from ci.dockerfile.stages import ImageStage, Origin, Source, reachable


def dependencies(stages: Sequence[ImageStage]) -> tuple[Source, ...]:
    """Return all that the last stage depends on, in the order of the file."""
    reached = reachable(tuple(stages))
    return tuple(dict.fromkeys(source for stage in stages if stage.index in reached for source in stage.dependencies))


def parent(stages: Sequence[ImageStage]) -> str | None:
    """Return the image that the last stage is built on, directly or through stages of the same file."""
    base = stages[-1].base if stages else None
    while base is not None and base.origin is Origin.STAGE:
        base = stages[base.stage].base
    return base.name if base is not None and base.origin is Origin.IMAGE else None


def cycles(needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Return each dependency cycle as `a -> b -> a`, starting with the first name in the alphabet."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        yield from _describe_cycles(needs)


def _describe_cycles(needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    # Called only if there is a cycle: this searches from every image, which takes a second for a chain of a thousand.
    done: set[str] = set()
    for start in sorted(needs):
        if start in done:
            continue
        cycle = _shortest_cycle(start, needs)
        if cycle:
            yield " -> ".join((*cycle, start))
            done.update(cycle)


def _shortest_cycle(start: str, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the shortest path from an image back to itself, or an empty one."""
    queue: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for path in queue:
        for name in needs.get(path[-1], ()):
            if name == start:
                return path
            if name not in seen:
                seen.add(name)
                queue.append((*path, name))
    return ()


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the names in topological order, dependencies first, otherwise by name. There must be no cycle."""
    order: dict[str, None] = {}
    # Not recursive: a chain of a thousand images would exceed Python's recursion limit.
    for start in sorted(needs):
        pending = [start]
        while pending:
            missing = [name for name in sorted(needs[pending[-1]], reverse=True) if name not in order]
            if missing:
                pending.extend(missing)
            else:
                order.setdefault(pending.pop())
    return tuple(order)
