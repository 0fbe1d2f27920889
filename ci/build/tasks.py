"""The work of a run as a graph: which piece needs which. Pure: it names pieces and does none of them."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from ci.fusion.fuse import fuse_all
from ci.fusion.fused import Fused, FusedStage
from ci.fusion.substitutions import Using
from ci.planning.plan import Plan
from ci.stack.model import Stack, Suite, SuiteKind


class Kind(StrEnum):
    """What a piece of work does. FETCH gets a published image; PROVE writes down beside an image that it passed."""

    FETCH = "fetch"
    STAGE = "stage"
    IMAGE = "image"
    DESCRIBE = "describe"
    UPLOAD = "upload"
    TOOLS = "tools"
    SUITE = "suite"
    PROVE = "prove"


class Piece(NamedTuple):
    """One piece of work. `part` is the stage of a STAGE and the `origin/kind` of a SUITE; TOOLS are of no image."""

    kind: Kind
    image: str
    part: str = ""


TOOLS = Piece(Kind.TOOLS, "")


class Wanted(NamedTuple):
    """What is to be done with the images of a plan beyond building them.

    `describe` has each image's layers measured, `upload` sends what is built to the registry and proves there what
    passed. `tested` limits the images whose suites run, `suites`, if there are any, the suites (`kind` or
    `origin/kind`). `using` is what stands in for what is not built.
    """

    tested: Collection[str] = ()
    suites: Collection[str] = ()
    describe: bool = False
    upload: bool = False
    using: Using = Using()


class Work(NamedTuple):
    """All pieces of a run, the needed before those that need them.

    `waits` holds what a piece has to wait for, `draws` all that it is made of. They differ where a stage copies from
    another stage of the same Dockerfile: it may start beside it, because the engine fetches what it needs itself.
    """

    fused: Mapping[str, Fused]
    suites: Mapping[Piece, Suite]
    waits: Mapping[Piece, tuple[Piece, ...]]
    draws: Mapping[Piece, tuple[Piece, ...]]


def plan_work(plan: Plan, stack: Stack, wanted: Wanted) -> Work:
    """Cut the plan into pieces of work.

    All that comes after the building stands behind it, so that a free slot goes to a child of an image before it goes
    to the image's tests. Uploads stand before tests: they take long, and mostly wait.
    """
    tested = [name for name in plan.to_test if name in wanted.tested]
    fused = fuse_all(stack, dict.fromkeys((*plan.to_build, *tested)), wanted.using)
    graph = _Graph(stack, plan)
    for name, text in fused.items():
        graph.add_image(name, text)
    uploaded = [name for name in plan.to_build if wanted.upload]
    for name in uploaded:
        graph.add(Piece(Kind.UPLOAD, name), Piece(Kind.IMAGE, name), *graph.parents_upload(name))
    testing = {
        Piece(Kind.SUITE, name, suite.name): suite
        for name in tested
        for suite in stack.suites_of(name)
        if suite.kind is not SuiteKind.GPU
        if not wanted.suites or {suite.name, suite.kind} & set(wanted.suites)
    }
    if testing:
        graph.add(TOOLS)
    for piece in testing:
        graph.add(piece, Piece(Kind.IMAGE, piece.image), TOOLS)
    if wanted.upload:
        for name in tested:
            suites = [piece for piece in testing if piece.image == name]
            uploads = [Piece(Kind.UPLOAD, name)] if name in uploaded else []
            graph.add(Piece(Kind.PROVE, name), *uploads, *suites)
    if wanted.describe:
        for name in fused:
            graph.add(Piece(Kind.DESCRIBE, name), Piece(Kind.IMAGE, name))
    return Work(fused, testing, graph.waits, graph.draws)


class _Graph:
    def __init__(self, stack: Stack, plan: Plan) -> None:
        self._stack = stack
        self._reused = plan.reused
        self.waits: dict[Piece, tuple[Piece, ...]] = {}
        self.draws: dict[Piece, tuple[Piece, ...]] = {}

    def add(self, piece: Piece, *needed: Piece) -> None:
        self.waits[piece] = self.draws[piece] = needed

    def add_image(self, name: str, text: Fused) -> None:
        """Add the stages of an image, the image as a whole, and the getting of published ones that it draws on."""
        drawn = (name,) if name in self._reused else self._stack.by_name[name].needs
        published = tuple(Piece(Kind.FETCH, one) for one in drawn if one in self._reused)
        for piece in published:
            self.add(piece)
        for stage in text.stages:
            if stage.image != name:
                continue
            piece = Piece(Kind.STAGE, name, stage.name)
            own = tuple(used for used in _drawn(text, stage) if used.kind is Kind.STAGE or used in self.waits)
            self.draws[piece] = (*own, *published)
            waited = (used for used in own if used.kind is Kind.IMAGE or used.part == stage.base)
            self.waits[piece] = (*waited, *published)
        self.add(Piece(Kind.IMAGE, name), Piece(Kind.STAGE, name, text.stages[-1].name))

    def parents_upload(self, name: str) -> tuple[Piece, ...]:
        """Return the upload of the parent, whose digest the image names, and whose layers are then there already."""
        upload = Piece(Kind.UPLOAD, self._stack.by_name[name].parent or "")
        return (upload,) if upload in self.waits else ()


def _drawn(fused: Fused, stage: FusedStage) -> tuple[Piece, ...]:
    owner = {other.name: other.image for other in fused.stages}
    return tuple(
        Piece(Kind.STAGE, stage.image, name) if owner[name] == stage.image else Piece(Kind.IMAGE, owner[name])
        for name in stage.needs
    )
