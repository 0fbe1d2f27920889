"""Folds how the pieces of a run ended into reports of images. Pure."""

from collections.abc import Mapping

import msgspec

from ci.pipeline.work import TOOLS, Kind, Piece, Work
from ci.results import (
    Failure,
    ImageReport,
    Layer,
    Outcome,
    StepResult,
    SuiteOutcome,
    SuiteReport,
    busy_seconds,
)

_BUILDING = frozenset({Kind.STAGE, Kind.IMAGE})
_OF_THE_IMAGE = frozenset({Kind.STAGE, Kind.IMAGE, Kind.DESCRIBE})


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How one piece of work ended. One that was never started has neither times nor steps, and `skipped`."""

    started: float = 0.0
    ended: float = 0.0
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    skipped: bool = False
    size: int | None = None
    layers: tuple[Layer, ...] = ()
    suite: SuiteReport | None = None

    @property
    def ok(self) -> bool:
        """Whether what needs this piece can be started."""
        return self.failure is None and not self.skipped


def find_culprits(work: Work, ended: Mapping[Piece, Ended]) -> Mapping[Piece, str]:
    """Name, for each piece that did not succeed, the image whose own failure is at the root of it.

    A stage that copies from a stage that fails is refused by the engine with that stage's error: the fault is not
    its own, so what it draws on is asked first.
    """
    culprits: dict[Piece, str] = {}
    for piece, drawn in work.draws.items():
        if not ended[piece].ok:
            blamed = [culprits[needed] for needed in drawn if needed in culprits]
            culprits[piece] = blamed[0] if blamed else piece.image
    return culprits


def fold_image(name: str, work: Work, ended: Mapping[Piece, Ended], culprits: Mapping[Piece, str]) -> ImageReport:
    """Fold the pieces of one image into its report."""
    own = {piece: result for piece, result in ended.items() if piece.image == name and piece.kind in _OF_THE_IMAGE}
    begun = [result for result in own.values() if not result.skipped]
    building = [result for piece, result in own.items() if piece.kind in _BUILDING and not result.skipped]
    culprit = next((culprits[piece] for piece in own if piece in culprits), None)
    suites = () if Piece(Kind.IMAGE, name) in culprits else _suites(name, work, ended)
    return ImageReport(
        name=name,
        outcome=_outcome(name, culprit, suites),
        started=min((result.started for result in building), default=0.0),
        seconds=busy_seconds([(result.started, result.ended) for result in building]),
        size=next((result.size for result in begun if result.size is not None), None),
        steps=tuple(step for result in begun for step in result.steps),
        failure=next((result.failure for result in begun if result.failure), None) if culprit == name else None,
        blocked_by=culprit if culprit != name else None,
        layers=next((result.layers for result in begun if result.layers), ()),
        suites=suites,
    )


def _outcome(name: str, culprit: str | None, suites: tuple[SuiteReport, ...]) -> Outcome:
    if culprit is not None:
        return Outcome.FAILED if culprit == name else Outcome.BLOCKED
    passed = all(suite.outcome is SuiteOutcome.PASSED for suite in suites)
    return Outcome.BUILT if passed else Outcome.TESTS_FAILED


def _suites(name: str, work: Work, ended: Mapping[Piece, Ended]) -> tuple[SuiteReport, ...]:
    """Return the reports of an image's suites. One that could not start is an error: what did not run is not green."""
    reports: list[SuiteReport] = []
    for piece, suite in work.suites.items():
        if piece.image != name:
            continue
        result = ended[piece]
        if result.suite is not None:
            reports.append(
                msgspec.structs.replace(result.suite, started=result.started, seconds=result.ended - result.started)
            )
            continue
        cause = ended[TOOLS].failure
        why = f"the tools for tests could not be built: {cause.message}" if cause else "it was not started"
        log = cause.output if cause else ""
        reports.append(
            SuiteReport(
                origin=suite.origin, kind=suite.kind, folder=suite.folder, outcome=SuiteOutcome.ERROR, why=why, log=log
            )
        )
    return tuple(reports)
