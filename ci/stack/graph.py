"""The images as a graph: which image needs which, and what cannot be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from ci.dockerfile.stages import ImageStage, Origin, Source, reachable


def dependencies(stages: Sequence[ImageStage]) -> tuple[Source, ...]:
    """Return all that the last stage is made of, in the order in which the file names it."""
    reached = reachable(tuple(stages))
    return tuple(dict.fromkeys(source for stage in stages if stage.index in reached for source in stage.dependencies))


def parent(stages: Sequence[ImageStage]) -> str | None:
    """Return the image that the last stage goes back to along FROM, through stages of the same file."""
    base = stages[-1].base if stages else None
    while base is not None and base.origin is Origin.STAGE:
        base = stages[base.stage].base
    return base.name if base is not None and base.origin is Origin.IMAGE else None


def cycles(needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Return each ring of images that need each other as `a -> b -> a`, from its first name on."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        yield from _rings(needs)


def _rings(needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    # Every way from every image is followed, which takes a chain of a thousand a second.
    done: set[str] = set()
    for start in sorted(needs):
        if start in done:
            continue
        ring = _ring(start, needs)
        if ring:
            yield " -> ".join((*ring, start))
            done.update(ring)


def _ring(start: str, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the shortest way from an image back to itself, or nothing."""
    waiting: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in waiting:
        for name in needs.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                waiting.append((*way, name))
    return ()


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the names so that the needed stand before those that need them, else by name. There must be no cycle."""
    order: dict[str, None] = {}
    # A chain of a thousand images is deeper than Python lets a function call itself.
    for start in sorted(needs):
        waiting = [start]
        while waiting:
            missing = [name for name in sorted(needs[waiting[-1]], reverse=True) if name not in order]
            if missing:
                waiting.extend(missing)
            else:
                order.setdefault(waiting.pop())
    return tuple(order)
