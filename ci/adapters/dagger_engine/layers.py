"""Measures the layers of an image: the files that each of its own steps added or changed."""

from collections.abc import Callable

import dagger

from ci.fusion.fused import Fused, layering
from ci.results import Layer

# Files are compared by what a listing says of them: type, mode, owner, size, time, and where a link leads. The engine's
# own comparison of two file systems took 24 s for the 9 GB of scipy-ml-notebook, three listings of it take 3 s. Its
# inodes and change times say nothing: a COPY makes another link of every file.
_SCRIPT = r"""
set -eu
export LC_ALL=C
for number in $(seq 0 "$1"); do
    find "/layers/$number" -xdev ! -type d -printf '%P\t%y %m %U %G %T@ %l\t%s\0' |
        sort --zero-terminated >"/tmp/$number"
done
sum() { tr '\n\0' ' \n' | awk -F '\t' '{ size += $NF } END { printf "%.0f\n", size }'; }
sum </tmp/0
for number in $(seq 1 "$1"); do
    comm --zero-terminated -13 "/tmp/$((number - 1))" "/tmp/$number" | sum
done
"""


async def measure_layers(
    fused: Fused, build: Callable[[str], dagger.Container], tools: dagger.Container
) -> tuple[Layer, ...]:
    """Return the layers that an image adds to its parent, one for each step, the lowest first.

    An image on a foreign base has one for that, too, before the others. `build` returns the container of a fused text,
    or of its beginning; `tools` has find, sort, comm and awk. Nothing is compressed: that takes minutes for an image of
    many GB, and the registry's manifest has the compressed sizes. Raises dagger.QueryError.
    """
    plan = layering(fused)
    name = fused.stages[-1].image
    own = [step for step in plan.steps if step.image == name]
    inherited = [step for step in plan.steps if step.image != name]
    begins_with_base = plan.stages[0].image == name
    before = fused.cut(inherited[-1]) if inherited else fused.head(plan.begin)
    cuts = [build(before), *(build(fused.cut(step)) for step in own)]
    for number, cut in enumerate(cuts):
        tools = tools.with_mounted_directory(f"/layers/{number}", cut.rootfs(), read_only=True)
    listed = await tools.with_exec(["sh", "-c", _SCRIPT, "measure", str(len(own))]).stdout()
    base, *sizes = map(int, listed.split())
    return (
        *([Layer(instruction=f"FROM {plan.base}", image=None, size=base, number=0)] if begins_with_base else []),
        *(
            Layer(instruction=step.command, image=step.image, size=size, number=step.layers)
            for step, size in zip(own, sizes, strict=True)
        ),
    )
