"""Sums up how the tasks of a run ended in a report of each image. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.build.tasks import TOOLS, Task, TaskGraph
from ci.contents.budgets import ImageVerdict
from ci.contents.highlights import highlights
from ci.contents.model import Contents
from ci.fusion.fused import layering
from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan
from ci.results import Failure, ImageReport, Layer, Outcome, RunReport, StepResult
from ci.suite_results import SuiteOutcome, SuiteReport
from ci.timing import TaskKind, TaskReport, busy_seconds, last_ended

_BUILDING = frozenset({TaskKind.STAGE, TaskKind.IMAGE})
_IMAGE_KINDS = frozenset({TaskKind.FETCH, TaskKind.STAGE, TaskKind.IMAGE, TaskKind.DESCRIBE, TaskKind.MEASURE})
_PUBLISHING = frozenset({TaskKind.UPLOAD, TaskKind.ATTEST})


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one task ended. One that was never started is `skipped` and has neither times nor steps."""

    started: float = 0.0
    ended: float = 0.0
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    skipped: bool = False
    size: int | None = None
    layers: tuple[Layer, ...] = ()
    suite: SuiteReport | None = None
    digest: str | None = None
    contents: Contents | None = None

    @property
    def ok(self) -> bool:
        """Whether tasks that depend on this one can start."""
        return self.failure is None and not self.skipped

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with it: tests that failed are no obstacle for what depends on this task."""
        return self.ok and (self.suite is None or self.suite.outcome is SuiteOutcome.PASSED)


def find_root_causes(graph: TaskGraph, results: Mapping[Task, TaskResult]) -> Mapping[Task, str]:
    """Return, for each task that did not succeed, the image whose own failure caused that.

    A stage that copies from a stage that fails is refused by the engine with that stage's error. The failure is not its
    own, so its inputs are looked at first.
    """
    root_causes: dict[Task, str] = {}
    for task, dependencies in graph.inputs.items():
        if not results[task].ok:
            blamed = [root_causes[needed] for needed in dependencies if needed in root_causes]
            root_causes[task] = blamed[0] if blamed else task.image
    return root_causes


def contents_of(results: Mapping[Task, TaskResult]) -> Mapping[str, Contents]:
    """Return what is in each image that was built: as it is published, or else as it was read."""
    found = {task.image: result.contents for task, result in results.items() if task.kind is TaskKind.DESCRIBE}
    attached = {task.image: result.contents for task, result in results.items() if task.kind is TaskKind.ATTEST}
    every = {name: attached.get(name) or contents for name, contents in found.items()}
    return {name: contents for name, contents in every.items() if contents is not None}


def with_contents(report: RunReport, contents: Mapping[str, Contents], added: Sequence[str] = ()) -> RunReport:
    """Return a report with the key versions of images, and `added` ones, and with what could not be read in them."""
    images = tuple(
        msgspec.structs.replace(
            image,
            versions=highlights(found, added),
            contents_notes=(*found.unread, *found.problems),
        )
        if (found := contents.get(image.name))
        else image
        for image in report.images
    )
    return msgspec.structs.replace(report, images=images)


def with_budgets(report: RunReport, verdicts: Sequence[ImageVerdict]) -> RunReport:
    """Return a report with the verdicts on how much images grew. One that grew too much is red, if nothing else is."""
    over = {verdict.image for verdict in verdicts if not verdict.verdict.ok}
    images = tuple(
        msgspec.structs.replace(image, outcome=Outcome.OVER_BUDGET)
        if image.name in over and image.outcome.ok
        else image
        for image in report.images
    )
    return msgspec.structs.replace(report, images=images, budgets=tuple(verdicts))


def report_tasks(graph: TaskGraph, results: Mapping[Task, TaskResult]) -> tuple[TaskReport, ...]:
    """Return when each task ran, in the order in which they started; those that were skipped are left out."""
    ran = sorted((task for task in results if not results[task].skipped), key=lambda task: results[task].started)
    place = {task: number for number, task in enumerate(ran)}
    reports = []
    for task in ran:
        last = max(graph.depends_on[task], key=lambda needed: results[needed].ended, default=None)
        suite = graph.suites.get(task)
        reports.append(
            TaskReport(
                kind=task.kind,
                image=task.image,
                part=suite.name if suite else task.part,
                ready=results[last].ended if last else 0.0,
                started=results[task].started,
                seconds=results[task].ended - results[task].started,
                ok=results[task].passed,
                after=place[last] if last else None,
            )
        )
    return tuple(reports)


def report_publishing(report: RunReport, started: float, ended: float, *, ok: bool) -> TaskReport:
    """Return when the tags of the stack were published: when all other tasks had ended."""
    return TaskReport(
        kind=TaskKind.PUBLISH,
        image="",
        ready=started,
        started=started,
        seconds=ended - started,
        ok=ok,
        after=last_ended(report.tasks),
    )


def report_image(
    image: ImagePlan, graph: TaskGraph, results: Mapping[Task, TaskResult], root_causes: Mapping[Task, str]
) -> ImageReport:
    """Return the report of one image from the results of its tasks. A reused image may have none."""
    name = image.name
    own = {task: result for task, result in results.items() if task.image == name and task.kind in _IMAGE_KINDS}
    begun = [result for result in own.values() if not result.skipped]
    building = [result for task, result in own.items() if task.kind in _BUILDING and not result.skipped]
    suites = () if Task(TaskKind.IMAGE, name) in root_causes else _suites(name, graph, results)
    upload = results.get(Task(TaskKind.UPLOAD, name))
    outcome, failed, root_cause = _outcome(image, results, root_causes, suites)
    return ImageReport(
        name=name,
        outcome=outcome,
        started=min((result.started for result in building), default=0.0),
        seconds=busy_seconds([(result.started, result.ended) for result in building]),
        size=next((result.size for result in begun if result.size is not None), None),
        steps=tuple(step for result in begun for step in result.steps),
        failure=next((results[task].failure for task in failed if results[task].failure), None),
        blocked_by=None if root_cause == name else root_cause,
        layers=_layers(name, graph, results),
        suites=suites,
        digest=upload.digest if upload else image.digest,
        upload_seconds=upload.ended - upload.started if upload and upload.ok else None,
    )


def _layers(name: str, graph: TaskGraph, results: Mapping[Task, TaskResult]) -> tuple[Layer, ...]:
    """Return the layers of an image from the lowest up: each image of its chain of FROM measured its own."""
    if Task(TaskKind.MEASURE, name) not in results:
        return ()
    chain = dict.fromkeys(stage.image for stage in layering(graph.fused[name]).stages)
    measured = [results[Task(TaskKind.MEASURE, one)] for one in chain]
    return tuple(layer for one in measured for layer in one.layers) if all(one.ok for one in measured) else ()


def _outcome(
    image: ImagePlan,
    results: Mapping[Task, TaskResult],
    root_causes: Mapping[Task, str],
    suites: tuple[SuiteReport, ...],
) -> tuple[Outcome, Sequence[Task], str | None]:
    """Return how an image ended, the tasks that failed, and the image that caused it."""
    name = image.name
    failed = [task for task in results if task in root_causes and task.image == name]
    building = [task for task in failed if task.kind in _IMAGE_KINDS]
    publishing = [task for task in failed if task.kind in _PUBLISHING]
    if building:
        root_cause = root_causes[building[0]]
        return (Outcome.FAILED, building, name) if root_cause == name else (Outcome.BLOCKED, (), root_cause)
    if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
        return Outcome.TESTS_FAILED, (), None
    if publishing:
        root_cause = root_causes[publishing[0]]
        return Outcome.NOT_UPLOADED, publishing if root_cause == name else (), root_cause
    return Outcome.BUILT if image.action is Action.BUILD else Outcome.REUSED, (), None


def _suites(name: str, graph: TaskGraph, results: Mapping[Task, TaskResult]) -> tuple[SuiteReport, ...]:
    """Return the reports of an image's suites. A suite that could not start is an error: no result is not green."""
    reports: list[SuiteReport] = []
    for task, suite in graph.suites.items():
        if task.image != name:
            continue
        result = results[task]
        if result.suite is not None:
            reports.append(
                msgspec.structs.replace(result.suite, started=result.started, seconds=result.ended - result.started)
            )
            continue
        cause = result.failure or results[TOOLS].failure
        reports.append(
            SuiteReport(
                origin=suite.origin,
                kind=suite.kind,
                folder=suite.folder,
                outcome=SuiteOutcome.ERROR,
                why=_why_not_run(result, results[TOOLS]),
                log=cause.output if cause else "",
                traceback=cause.traceback if cause else "",
            )
        )
    return tuple(reports)


def _why_not_run(suite: TaskResult, tools: TaskResult) -> str:
    if suite.failure is not None:
        return suite.failure.message
    if tools.failure is not None:
        return f"the tools for tests could not be built: {tools.failure.message}"
    return "it was not started"
