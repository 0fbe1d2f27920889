"""Folds how the tasks of a run ended into reports of images. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.build.tasks import TOOLS, Task, TaskGraph, TaskKind
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

_BUILDING = frozenset({TaskKind.STAGE, TaskKind.IMAGE})
_OF_THE_IMAGE = frozenset({TaskKind.FETCH, TaskKind.STAGE, TaskKind.IMAGE, TaskKind.DESCRIBE})
_SENDING = frozenset({TaskKind.UPLOAD, TaskKind.ATTEST})


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one task ended. One that was never started has neither times nor steps, and `skipped`."""

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
        """Whether what needs this task can be started."""
        return self.failure is None and not self.skipped


def find_root_causes(work: TaskGraph, ended: Mapping[Task, TaskResult]) -> Mapping[Task, str]:
    """Name, for each task that did not succeed, the image whose own failure is at the root of it.

    A stage that copies from a stage that fails is refused by the engine with that stage's error: the fault is not
    its own, so what it inputs on is asked first.
    """
    root_causes: dict[Task, str] = {}
    for task, dependencies in work.inputs.items():
        if not ended[task].ok:
            blamed = [root_causes[needed] for needed in dependencies if needed in root_causes]
            root_causes[task] = blamed[0] if blamed else task.image
    return root_causes


def report_image(
    image: ImagePlan, work: TaskGraph, ended: Mapping[Task, TaskResult], root_causes: Mapping[Task, str]
) -> ImageReport:
    """Fold the tasks of one image into its report. A reused one may have none."""
    name = image.name
    own = {task: result for task, result in ended.items() if task.image == name and task.kind in _OF_THE_IMAGE}
    begun = [result for result in own.values() if not result.skipped]
    building = [result for task, result in own.items() if task.kind in _BUILDING and not result.skipped]
    suites = () if Task(TaskKind.IMAGE, name) in root_causes else _suites(name, work, ended)
    upload = ended.get(Task(TaskKind.UPLOAD, name))
    outcome, failed, root_cause = _outcome(image, ended, root_causes, suites)
    return ImageReport(
        name=name,
        outcome=outcome,
        started=min((result.started for result in building), default=0.0),
        seconds=busy_seconds([(result.started, result.ended) for result in building]),
        size=next((result.size for result in begun if result.size is not None), None),
        steps=tuple(step for result in begun for step in result.steps),
        failure=next((ended[task].failure for task in failed if ended[task].failure), None),
        blocked_by=None if root_cause == name else root_cause,
        layers=next((result.layers for result in begun if result.layers), ()),
        suites=suites,
        digest=upload.digest if upload else image.digest,
        upload_seconds=upload.ended - upload.started if upload and upload.ok else None,
    )


def _outcome(
    image: ImagePlan, ended: Mapping[Task, TaskResult], root_causes: Mapping[Task, str], suites: tuple[SuiteReport, ...]
) -> tuple[Outcome, Sequence[Task], str | None]:
    """Return how an image ended, the tasks that failed, and the image whose fault that was."""
    name = image.name
    failed = [task for task in ended if task in root_causes and task.image == name]
    building = [task for task in failed if task.kind in _OF_THE_IMAGE]
    sending = [task for task in failed if task.kind in _SENDING]
    if building:
        root_cause = root_causes[building[0]]
        return (Outcome.FAILED, building, name) if root_cause == name else (Outcome.BLOCKED, (), root_cause)
    if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
        return Outcome.TESTS_FAILED, (), None
    if sending:
        root_cause = root_causes[sending[0]]
        return Outcome.NOT_UPLOADED, sending if root_cause == name else (), root_cause
    return Outcome.BUILT if image.action is Action.BUILD else Outcome.REUSED, (), None


def _suites(name: str, work: TaskGraph, ended: Mapping[Task, TaskResult]) -> tuple[SuiteReport, ...]:
    """Return the reports of an image's suites. One that could not start is an error: what did not run is not green."""
    reports: list[SuiteReport] = []
    for task, suite in work.suites.items():
        if task.image != name:
            continue
        result = ended[task]
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
