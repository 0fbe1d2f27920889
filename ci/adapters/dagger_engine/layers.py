"""Measures the layers of an image: the files that each step added or changed."""

from collections.abc import Callable

import dagger

from ci.fusion.fused import Fused, layering
from ci.results import Layer


async def measure_layers(
    fused: Fused, build: Callable[[str], dagger.Container], tools: dagger.Container
) -> tuple[Layer, ...]:
    """Return the layers of a fused Dockerfile's image: the foreign base, then one for each step, the lowest first.

    `build` returns the container of a fused text, or of its beginning; `tools` has du. Nothing is compressed: that
    takes minutes for an image of many GB, and the registry's manifest has the compressed sizes. Raises
    dagger.QueryError.
    """
    plan = layering(fused)
    base = build(fused.head(plan.begin))
    cuts = [base, *(build(fused.cut(step)) for step in plan.steps)]
    folders = [f"/layers/{number}" for number in range(len(cuts))]
    tools = tools.with_mounted_directory(folders[0], base.rootfs())
    for folder, before, after in zip(folders[1:], cuts, cuts[1:], strict=False):
        tools = tools.with_mounted_directory(folder, before.rootfs().diff(after.rootfs()))
    used = await tools.with_exec(["du", "--summarize", "--bytes", *folders]).stdout()
    foreign, *sizes = [int(line.split()[0]) for line in used.splitlines()]
    return (
        Layer(instruction=f"FROM {plan.base}", image=None, size=foreign, number=0),
        *(
            Layer(instruction=step.command, image=step.image, size=size, number=step.layers)
            for step, size in zip(plan.steps, sizes, strict=True)
        ),
    )
