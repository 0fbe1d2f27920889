"""Folds how the pieces of a run ended into reports of images. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.build.tasks import TOOLS, Kind, Piece, Work
from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan
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
_OF_THE_IMAGE = frozenset({Kind.FETCH, Kind.STAGE, Kind.IMAGE, Kind.DESCRIBE})
_SENDING = frozenset({Kind.UPLOAD, Kind.PROVE})


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
    digest: str | None = None

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


def fold_image(
    image: ImagePlan, work: Work, ended: Mapping[Piece, Ended], culprits: Mapping[Piece, str]
) -> ImageReport:
    """Fold the pieces of one image into its report. A reused one may have none."""
    name = image.name
    own = {piece: result for piece, result in ended.items() if piece.image == name and piece.kind in _OF_THE_IMAGE}
    begun = [result for result in own.values() if not result.skipped]
    building = [result for piece, result in own.items() if piece.kind in _BUILDING and not result.skipped]
    suites = () if Piece(Kind.IMAGE, name) in culprits else _suites(name, work, ended)
    upload = ended.get(Piece(Kind.UPLOAD, name))
    outcome, failed, culprit = _outcome(image, ended, culprits, suites)
    return ImageReport(
        name=name,
        outcome=outcome,
        started=min((result.started for result in building), default=0.0),
        seconds=busy_seconds([(result.started, result.ended) for result in building]),
        size=next((result.size for result in begun if result.size is not None), None),
        steps=tuple(step for result in begun for step in result.steps),
        failure=next((ended[piece].failure for piece in failed if ended[piece].failure), None),
        blocked_by=None if culprit == name else culprit,
        layers=next((result.layers for result in begun if result.layers), ()),
        suites=suites,
        digest=upload.digest if upload else image.digest,
        upload_seconds=upload.ended - upload.started if upload and upload.ok else None,
    )


def _outcome(
    image: ImagePlan, ended: Mapping[Piece, Ended], culprits: Mapping[Piece, str], suites: tuple[SuiteReport, ...]
) -> tuple[Outcome, Sequence[Piece], str | None]:
    """Return how an image ended, the pieces that failed, and the image whose fault that was."""
    name = image.name
    failed = [piece for piece in ended if piece in culprits and piece.image == name]
    building = [piece for piece in failed if piece.kind in _OF_THE_IMAGE]
    sending = [piece for piece in failed if piece.kind in _SENDING]
    if building:
        culprit = culprits[building[0]]
        return (Outcome.FAILED, building, name) if culprit == name else (Outcome.BLOCKED, (), culprit)
    if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
        return Outcome.TESTS_FAILED, (), None
    if sending:
        culprit = culprits[sending[0]]
        return Outcome.NOT_UPLOADED, sending if culprit == name else (), culprit
    return Outcome.BUILT if image.action is Action.BUILD else Outcome.REUSED, (), None


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
