"""How long stacks of 4 to 1,000 images take on one machine and on several, as the product's own division predicts.

usage: PYTHONPATH=. python benchmarks/scale_out.py

Nothing is built. The times of docker-stacks' images are those of its workflow's jobs; trees are drawn at random, always
the same. Printed are the minutes until the stack has its tag, those of all machines together, how much they fetch from
the registry, and how long the division itself took.
"""  # noqa: INP001 (a script, not a package)

import random
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan, Plan
from ci.sharing.dividing import divide
from ci.sharing.model import Costs, Division, Weight
from ci.sharing.predicting import predict
from ci.sharing.work import Work

GB = 1_000_000_000
COMPRESSION = {"gzip": 0.016 * GB, "zstd": 0.09 * GB}
"""Bytes per second, of compressed layers."""


class Image(NamedTuple):
    """An image of a stack: seconds to build and to test it, and the compressed bytes that it adds to its parent."""

    name: str
    parent: str | None
    build: float
    test: float
    own: float


def four() -> Iterator[Image]:
    """Yield the images of this repository."""
    yield Image("base", None, 20, 40, 0.25 * GB)
    yield Image("ds", "base", 53, 60, 0.55 * GB)
    yield Image("r", "base", 26, 40, 0.35 * GB)
    yield Image("ml", "ds", 27, 60, 3.0 * GB)


def docker_stacks() -> Iterator[Image]:
    """Yield the images of jupyter/docker-stacks, of which six tenths of each job's time are the build."""
    rows = [
        ("foundation", None, 1.35, 0.15),
        ("base", "foundation", 2.9, 0.2),
        ("minimal", "base", 3.6, 0.3),
        ("scipy", "minimal", 6.1, 0.7),
        ("r", "minimal", 4, 0.4),
        ("julia", "minimal", 5, 0.4),
        ("tensorflow", "scipy", 5, 1.2),
        ("tensorflow-cuda", "scipy", 7, 2.5),
        ("pytorch", "scipy", 5, 0.6),
        ("pytorch-cuda12", "scipy", 8, 3.5),
        ("pytorch-cuda13", "scipy", 8, 3.5),
        ("datascience", "scipy", 7.5, 1.0),
        ("pyspark", "scipy", 6, 0.6),
        ("all-spark", "pyspark", 6, 0.5),
    ]
    for name, parent, minutes, size in rows:
        yield Image(name, parent, minutes * 36, minutes * 24, size * GB)


def tree(count: int) -> Iterator[Image]:
    """Yield a root, a twelfth of images that others are built on, and leaves."""
    drawn = random.Random(1)  # noqa: S311 (a benchmark)
    yield Image("root", None, 60, 40, 0.3 * GB)
    middle: list[str] = []
    for number in range(max(2, count // 12)):
        parent = "root" if number < 3 or drawn.random() < 0.6 else drawn.choice(middle)  # noqa: PLR2004 (three at least)
        middle.append(f"m{number}")
        sizes = drawn.uniform(0.3, 1.2) * GB
        yield Image(middle[-1], parent, drawn.uniform(60, 240), drawn.uniform(30, 90), sizes)
    for number in range(count - len(middle) - 1):
        size = drawn.choice((0.1, 0.3, 0.5, 1, 2, 3.5)) * GB
        yield Image(f"l{number}", drawn.choice(middle), drawn.uniform(30, 300), drawn.uniform(30, 120), size)


STACKS: Mapping[str, tuple[list[Image], tuple[int, ...]]] = {
    "the 4 images here": ([*four()], (2, 8)),
    "docker-stacks, 14 images": ([*docker_stacks()], (4, 8)),
    "30 images": ([*tree(30)], (4, 8)),
    "100 images": ([*tree(100)], (8, 16)),
    "1,000 images": ([*tree(1000)], (8, 50, 256)),
}


def planned(images: list[Image], compression: float, costs: Costs) -> tuple[Plan, Mapping[str, Weight]]:
    """Return the plan of building all images, and their weights."""
    sizes: dict[str, float] = {}
    weights = {}
    for image in images:
        sizes[image.name] = image.own + sizes.get(image.parent or "", 0)
        upload = image.own / compression + image.own / costs.link
        weights[image.name] = Weight(build=image.build, test=image.test, upload=upload, size=int(sizes[image.name]))
    plans = (
        ImagePlan(
            name=image.name,
            parent=image.parent,
            needs=(image.parent,) if image.parent else (),
            foreign_bases=(),
            action=Action.BUILD,
            reason="",
            suites=("common/image",),
        )
        for image in images
    )
    return Plan(images=tuple(plans)), weights


def line(label: str, division: Division, work: Work, costs: Costs, took: float) -> str:
    """Return a line of the table."""
    busy = sum(costs.start + share.seconds for share in division.shares)
    fetched = sum(predict(work, share.images, costs).fetched for share in division.shares)
    shape = f"{len(division.trunk)} + {len(division.branches)}" if len(division.shares) > 1 else "one machine"
    numbers = f"{division.expected / 60:9.1f}{busy / 60:13.1f}{fetched / GB:9.0f}{took:9.2f}"
    return f"  {label:14}{numbers}   {shape}"


def main() -> None:
    """Print the table."""
    costs = Costs()
    for title, (images, machines) in STACKS.items():
        for compression, rate in COMPRESSION.items():
            plan, weights = planned(images, rate, costs)
            work = Work(plan, weights)
            print(f"{title}, {compression}\n  {'machines':14}{'minutes':>9}{'all together':>13}{'GB':>9}{'s':>9}")
            for most in (1, *machines):
                begun = time.perf_counter()
                division = divide(plan, weights, most, costs)
                took = time.perf_counter() - begun
                print(line(f"at most {most}", division, work, costs, took))
            print()


if __name__ == "__main__":
    main()
