"""`[budget]` of stack.toml: how much images may grow, and what else may change, against what is stable."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ci.oci.reference import is_tag
from ci.stack.quantities import bytes_of, hundredths, percent_problem, size_problem


class Reaction(StrEnum):
    """What a change does to the verdict on an image."""

    OK = "ok"
    WARN = "warn"
    RED = "red"


class BudgetTable(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A field is a key of `[budget]`."""

    against: str = ""
    grow: str = "10 %"
    warn: str = "5 %"
    floor: str = "100 MB"
    removed: Reaction = Reaction.WARN
    lower: Reaction = Reaction.WARN


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much the images of a stack may grow. Percentages are in hundredths of a percent, so that they are exact."""

    against: str
    """The tag that images are compared with; empty for the stable tag of the stack's version."""
    grow: int
    """An image that grew by more than this and by more than the floor is over its budget."""
    warn: int
    """An image that grew by more than this and by more than the floor has a warning."""
    floor: int
    """Bytes."""
    removed: Reaction
    """When a package is gone."""
    lower: Reaction
    """When a package has a lower version."""
    images: Mapping[str, int] = {}
    """The images with another `grow`."""

    def grow_of(self, image: str) -> int:
        """Return how much an image may grow, in hundredths of a percent."""
        return self.images.get(image, self.grow)


def budget_of(table: BudgetTable, images: Mapping[str, str]) -> Budget:
    """Return the budget of a table without problems; `images` are the percentages of images that have their own."""
    return Budget(
        against=table.against,
        grow=hundredths(table.grow),
        warn=hundredths(table.warn),
        floor=bytes_of(table.floor) or 0,
        removed=table.removed,
        lower=table.lower,
        images={name: hundredths(text) for name, text in images.items()},
    )


def budget_problems(read: Mapping[str, Any]) -> Iterator[str]:
    """Return a sentence for each mistake in the keys of the table that have the right type."""
    keys = {name: str(read.get(name, getattr(BudgetTable(), name))) for name in ("against", "grow", "warn", "floor")}
    grow, warn = (percent_problem(keys[name]) for name in ("grow", "warn"))
    floor = size_problem(keys["floor"])
    yield from (f"{name}: {problem}" for name, problem in (("grow", grow), ("warn", warn), ("floor", floor)) if problem)
    if keys["against"] and not is_tag(keys["against"]):
        yield f"against: {keys['against']!r} cannot be a tag. Expected one such as '2026.4-stable'."
    if not grow and not warn and hundredths(keys["warn"]) > hundredths(keys["grow"]):
        yield f"warn: {keys['warn']!r} is more than grow, {keys['grow']!r}: nothing would ever be warned of."
