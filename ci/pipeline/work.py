"""The work of a run as a graph: which piece needs which. Pure: it names pieces and does none of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ci.planning.plan import Plan
from ci.stack.fusing import Fused, FusedStage, fuse
from ci.stack.model import Stack


class Kind(StrEnum):
    """What a piece of work does."""

    STAGE = "stage"
    IMAGE = "image"
    DESCRIBE = "describe"


class Piece(NamedTuple):
    """One piece of work: a stage of an image's Dockerfile, or (with no stage) something done with the whole image."""

    kind: Kind
    image: str
    stage: str = ""


class Work(NamedTuple):
    """All pieces of a run, the needed before those that need them.

    `waits` holds what a piece has to wait for, `draws` all that it is made of. They differ where a stage copies from
    another stage of the same Dockerfile: it may start beside it, because the engine fetches what it needs itself.
    """

    fused: Mapping[str, Fused]
    waits: Mapping[Piece, tuple[Piece, ...]]
    draws: Mapping[Piece, tuple[Piece, ...]]


def plan_work(plan: Plan, stack: Stack, *, describe: bool) -> Work:
    """Cut the plan into pieces of work; `describe` adds the measuring of each image's layers."""
    fused = {name: fuse(stack, name) for name in plan.to_build}
    waits: dict[Piece, tuple[Piece, ...]] = {}
    draws: dict[Piece, tuple[Piece, ...]] = {}
    for name, text in fused.items():
        for stage in text.stages:
            if stage.image != name:
                continue
            piece = Piece(Kind.STAGE, name, stage.name)
            draws[piece] = _drawn(text, stage)
            waits[piece] = tuple(
                used for used in draws[piece] if used.kind is Kind.IMAGE or used.stage == stage.base
            )
        image = Piece(Kind.IMAGE, name)
        waits[image] = draws[image] = (Piece(Kind.STAGE, name, text.stages[-1].name),)
        if describe:
            piece = Piece(Kind.DESCRIBE, name)
            waits[piece] = draws[piece] = (image,)
    return Work(fused, waits, draws)


def _drawn(fused: Fused, stage: FusedStage) -> tuple[Piece, ...]:
    owner = {other.name: other.image for other in fused.stages}
    return tuple(
        Piece(Kind.STAGE, stage.image, name) if owner[name] == stage.image else Piece(Kind.IMAGE, owner[name])
        for name in stage.needs
    )
