"""The work of a run as a graph: which piece needs which. Pure: it names pieces and does none of them."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from ci.planning.plan import Plan
from ci.stack.fusing import Fused, FusedStage, fuse_all
from ci.stack.model import Stack, Suite, SuiteKind


class Kind(StrEnum):
    """What a piece of work does."""

    STAGE = "stage"
    IMAGE = "image"
    DESCRIBE = "describe"
    TOOLS = "tools"
    SUITE = "suite"


class Piece(NamedTuple):
    """One piece of work. `part` is the stage of a STAGE and the `origin/kind` of a SUITE; TOOLS are of no image."""

    kind: Kind
    image: str
    part: str = ""


TOOLS = Piece(Kind.TOOLS, "")


class Work(NamedTuple):
    """All pieces of a run, the needed before those that need them.

    `waits` holds what a piece has to wait for, `draws` all that it is made of. They differ where a stage copies from
    another stage of the same Dockerfile: it may start beside it, because the engine fetches what it needs itself.
    """

    fused: Mapping[str, Fused]
    suites: Mapping[Piece, Suite]
    waits: Mapping[Piece, tuple[Piece, ...]]
    draws: Mapping[Piece, tuple[Piece, ...]]


def plan_work(
    plan: Plan, stack: Stack, *, describe: bool = False, tested: Collection[str] = (), suites: Collection[str] = ()
) -> Work:
    """Cut the plan into pieces of work.

    `describe` adds the measuring of each image's layers, `tested` names the images whose suites run; `suites`, if there
    are any, limit these to some (`kind` or `origin/kind`). All this comes after the building, so that a free slot goes
    to a child of an image before it goes to the image's tests.
    """
    fused = fuse_all(stack, plan.to_build)
    waits: dict[Piece, tuple[Piece, ...]] = {}
    draws: dict[Piece, tuple[Piece, ...]] = {}
    for name, text in fused.items():
        for stage in text.stages:
            if stage.image != name:
                continue
            piece = Piece(Kind.STAGE, name, stage.name)
            draws[piece] = _drawn(text, stage)
            waits[piece] = tuple(used for used in draws[piece] if used.kind is Kind.IMAGE or used.part == stage.base)
        image = Piece(Kind.IMAGE, name)
        waits[image] = draws[image] = (Piece(Kind.STAGE, name, text.stages[-1].name),)
    testing = {
        Piece(Kind.SUITE, name, suite.name): suite
        for name in fused
        for suite in stack.suites_of(name)
        if name in tested and suite.kind is not SuiteKind.GPU
        if not suites or {suite.name, suite.kind} & set(suites)
    }
    if testing:
        waits[TOOLS] = draws[TOOLS] = ()
    for piece in testing:
        waits[piece] = draws[piece] = (Piece(Kind.IMAGE, piece.image), TOOLS)
    if describe:
        for name in fused:
            waits[Piece(Kind.DESCRIBE, name)] = draws[Piece(Kind.DESCRIBE, name)] = (Piece(Kind.IMAGE, name),)
    return Work(fused, testing, waits, draws)


def _drawn(fused: Fused, stage: FusedStage) -> tuple[Piece, ...]:
    owner = {other.name: other.image for other in fused.stages}
    return tuple(
        Piece(Kind.STAGE, stage.image, name) if owner[name] == stage.image else Piece(Kind.IMAGE, owner[name])
        for name in stage.needs
    )
