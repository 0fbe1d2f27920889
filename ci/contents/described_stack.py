"""A whole stack with what is in its images, wherever that was read from: a registry, or images that were just built."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ci.contents.model import Contents


class DescribedStack(msgspec.Struct, frozen=True, kw_only=True):
    """The images of a stack by name, with what is in them."""

    name: str
    """As people know it: `2026.4-stable`, `2026.4-a1239ab`, or words such as `the source tree`."""
    images: Mapping[str, Contents]
    parents: Mapping[str, str | None]
    """Of each image the one that it is built on, None for a foreign base."""
    missing: Mapping[str, str] = {}
    """Images that belong to the stack and whose contents are not known, each with a sentence that says why."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every image, each behind its parent, children in the order of their names."""
        names = {*self.images, *self.missing}
        return tuple(sorted(names, key=lambda name: tuple(reversed(tuple(ancestry(name, self.parents))))))


def ancestry(name: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """Yield an image, its parent, and so on up to the root. An image is never yielded twice."""
    seen: set[str] = set()
    current: str | None = name
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents.get(current)


def children(name: str, parents: Mapping[str, str | None]) -> Sequence[str]:
    """Return the images that are built on this one directly, sorted."""
    return sorted(child for child, parent in parents.items() if parent == name)
