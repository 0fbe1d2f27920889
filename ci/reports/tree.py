"""A tree of images as text."""

from collections.abc import Iterator, Mapping


def draw_tree(parents: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Yield `(name, label)` from top to bottom; the label is the name with its branch in front.

    `parents` maps each image to its parent; an image whose parent is not in the mapping is a root.
    """

    def children(of: str | None) -> list[str]:
        return sorted(name for name, parent in parents.items() if (parent if parent in parents else None) == of)

    def draw(of: str | None, indent: str) -> Iterator[tuple[str, str]]:
        names = children(of)
        for name in names:
            last = name == names[-1]
            branch = "" if of is None else ("└── " if last else "├── ")
            yield name, f"{indent}{branch}{name}"
            yield from draw(name, indent if of is None else indent + ("    " if last else "│   "))

    yield from draw(None, "")
