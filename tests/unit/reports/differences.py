"""Two stacks that differ in everything that can differ."""

import msgspec

from ci.contents.comparing import compare_stacks
from ci.contents.difference import StackDifference
from ci.contents.model import Ecosystem, ImageConfig, Package, System
from tests.unit.contents.samples import NEW, OLD, contents, kernel, layer, package, planted, stack


def both(*ecosystems: Ecosystem) -> tuple[tuple[Package, ...], tuple[Package, ...]]:
    sides = [planted(ecosystem) for ecosystem in ecosystems]
    return tuple(one for old, _ in sides for one in old), tuple(one for _, new in sides for one in new)


def everything() -> StackDifference:
    old_base, new_base = both(*Ecosystem)
    r, r_new = package("R:dplyr=1.1-2", location="/usr/lib/R"), package("R:dplyr=1.0-9", location="/usr/lib/R")
    torch, torch_new = package("pip:torch=2.14.0", size=10**9), package("pip:torch=2.15.0", size=1_500_000_000)
    debian = layer("sha256:debian", 30_000_000, "FROM debian:bookworm-slim")
    apt = (
        layer("sha256:a", 100_000_000, "RUN apt-get install", "base"),
        layer("sha256:b", 120_000_000, "RUN apt-get install", "base"),
    )
    old = stack(
        OLD,
        contents("base", *old_base, torch, kernels=(kernel("python3"),), layers=(debian, apt[0]),
                 system=System(versions={"OS": "Debian 12.14", "Python": "3.11.2"}),
                 config=ImageConfig(user="jovyan", environment={"JUPYTER_TOKEN": "hunter2", "A": "1"})),
        contents("r", *old_base, torch, r),
        contents("old"),
    )  # fmt: skip
    new = stack(
        NEW,
        contents("base", *new_base, torch_new, size=1_500_000_000, compressed_size=420_000_000,
                 kernels=(kernel("python3", "Python 3.13"),), layers=(debian, apt[1]),
                 system=System(versions={"OS": "Debian 12.15", "Python": "3.13.1"}),
                 config=ImageConfig(user="root", environment={"JUPYTER_TOKEN": "hunter3", "A": "2"})),
        contents("r", *new_base, torch_new, r_new, kernels=(kernel("ir", "R"),)),
        contents("ml", *new_base, torch_new, package("pip:jax=0.9")),
        parents={"r": "base", "ml": "base"},
    )  # fmt: skip
    return compare_stacks(old, msgspec.structs.replace(new, missing={"lost": "its description is gone."}))
