"""One run: executes the tasks of a plan side by side and reports what happened, whatever fails."""

import time
from collections.abc import Mapping
from typing import Literal, assert_never

import msgspec

from ci import units
from ci.build.engine_failure import EngineFailure
from ci.build.failures import DOING, caught, failure_of
from ci.build.outcomes import (
    TaskResult,
    contents_of,
    find_root_causes,
    report_image,
    report_publishing,
    report_tasks,
    with_budgets,
    with_contents,
)
from ci.build.ports import Publisher, RunPorts
from ci.build.run_lines import heading, step_text, suite_text
from ci.build.run_log import RunLog, Work
from ci.build.scheduler import run_graph
from ci.build.suite_ports import SuiteRequest
from ci.build.suite_runner import run_suite
from ci.build.tasks import BuildRun, Task, plan_tasks
from ci.contents.model import Contents
from ci.contents.reading import read_contents
from ci.fusion.fused import Fused, FusedStep
from ci.oci.registry import RegistryError
from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.results import Failure, ImageReport, Outcome, RunReport, StepResult
from ci.stack.model import Stack
from ci.suite_results import SuiteOutcome
from ci.timing import TaskKind

BuildingKind = Literal[TaskKind.FETCH, TaskKind.STAGE, TaskKind.IMAGE, TaskKind.DESCRIBE, TaskKind.MEASURE]


class Run:
    """One run of a plan against an engine."""

    def __init__(self, plan: Plan, stack: Stack, ports: RunPorts, run: BuildRun) -> None:
        self._plan = plan
        self._stack = stack
        self._ports = ports
        self._run = run
        self._graph = plan_tasks(plan, stack, run, upload=ports.publisher is not None)
        self._zero = time.monotonic()
        self.contents: Mapping[str, Contents] = {}
        """What is in each image that was built, once the run has ended."""
        self._has_tags = ports.publisher is not None and run.tags
        publishing = {Task(TaskKind.PUBLISH, ""): self._has_tags + bool(ports.budgets)}
        self._log = RunLog(ports.progress, self._now, {**self._graph.sizes, **publishing})

    async def report(self) -> RunReport:
        """Run all tasks and report. Raises EngineLostError; all other failures are in the report."""
        self._log.lines([self._heading()])
        async with self._log.reminders():
            results = await run_graph(self._graph.depends_on, self._do, skip=self._skip, limit=self._run.jobs)
            report = await self._judged(self._report(results), results)
            return await self._publish(report) if self._has_tags else report

    async def _judged(self, report: RunReport, results: Mapping[Task, TaskResult]) -> RunReport:
        self.contents = contents_of(results)
        report = with_contents(report, self.contents, self._stack.highlights)
        if self._ports.budgets is None:
            return report
        names = [image.name for image in report.images if image.exists]
        with self._log.work("", "compare sizes with what is stable") as work:
            work.quiet = True
            verdicts = await self._ports.budgets.judge(names, self.contents, self._plan.reused)
        return with_budgets(report, verdicts)

    def _heading(self) -> str:
        steps = sum(len(self._graph.steps(task)) for task in self._graph.depends_on)
        suites, run = len(self._graph.suites), self._run
        return heading(self._plan, steps=steps, suites=suites, jobs=run.jobs, started=run.started)

    def _report(self, results: Mapping[Task, TaskResult]) -> RunReport:
        root_causes = find_root_causes(self._graph, results)
        images = tuple(
            ImageReport(name=image.name, outcome=Outcome.DISABLED)
            if image.action is Action.DISABLED
            else report_image(image, self._graph, results, root_causes)
            for image in self._plan.images
        )
        return RunReport(
            plan=self._plan,
            images=images,
            started=self._run.started,
            seconds=self._now(),
            jobs=self._run.jobs,
            commit=self._run.commit,
            changed=self._run.changed,
            tasks=report_tasks(self._graph, results),
        )

    async def _publish(self, report: RunReport) -> RunReport:
        started = self._now()
        with self._log.work("", "publish the tags") as work:
            publication = await self._publisher().publish_tags(report)
            if publication.failure:
                work.fail(publication.failure)
                work.what = "the stack was not published"
        tasks = (*report.tasks, report_publishing(report, started, self._now(), ok=not publication.failure))
        return msgspec.structs.replace(report, publication=publication, tasks=tasks, seconds=self._now())

    def _now(self) -> float:
        return time.monotonic() - self._zero

    async def _do(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        started = self._now()
        try:
            result = await self._execute(task, upstream)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this task's failure, and others go on)
            result = TaskResult(failure=caught(self._stack, task, error))
        self._log.task_ended(task, len(result.steps) if task.kind is TaskKind.STAGE else 1)
        return msgspec.structs.replace(result, started=started, ended=self._now())

    def _skip(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult | None:
        if all(result.ok for result in upstream.values()):
            return None
        self._log.task_ended(task, 0)
        return TaskResult(skipped=True)

    async def _execute(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        match task.kind:
            case TaskKind.TOOLS:
                return await self._build_tools()
            case TaskKind.SUITE:
                return await self._test(task)
            case TaskKind.UPLOAD:
                return await self._upload(task, upstream)
            case TaskKind.ATTEST:
                return await self._attest(task, upstream)
            case TaskKind.FETCH | TaskKind.STAGE | TaskKind.IMAGE | TaskKind.DESCRIBE | TaskKind.MEASURE:
                return await self._build(task, task.kind)
            case TaskKind.PUBLISH:
                raise AssertionError("tags are published when all tasks have ended")
        assert_never(task.kind)

    async def _build(self, task: Task, kind: BuildingKind) -> TaskResult:
        match kind:
            case TaskKind.FETCH:
                return await self._fetch(task)
            case TaskKind.STAGE:
                return await self._build_stage(task)
            case TaskKind.IMAGE:
                return await self._finish(task)
            case TaskKind.DESCRIBE:
                return await self._describe(task)
            case TaskKind.MEASURE:
                return await self._measure(task)
        assert_never(kind)

    async def _fetch(self, task: Task) -> TaskResult:
        reference = self._run.substitutions.published[task.image]
        with self._log.work(task.image, "fetch the published image") as work:
            work.quiet = True
            return self._ended(work, f"fetching {reference}", await self._ports.builder.fetch(reference))

    async def _build_stage(self, task: Task) -> TaskResult:
        steps: list[StepResult] = []
        for step in self._graph.steps(task):
            result, failure = await self._run_step(step)
            steps.append(result)
            if failure:
                return TaskResult(steps=tuple(steps), failure=failure)
        return TaskResult(steps=tuple(steps))

    async def _run_step(self, step: FusedStep) -> tuple[StepResult, Failure | None]:
        started = self._now()
        with self._log.work(step.image, step_text(step.command, step.line)) as work:
            work.quiet = True
            printed = await self._ports.builder.run_step(self._graph.fused[step.image], step)
            failure = None
            if isinstance(printed, EngineFailure):
                failure = self._failed(work, step.line, step.command, printed)
        result = StepResult(
            stage=step.stage,
            command=step.command,
            line=step.line,
            started=started,
            seconds=self._now() - started,
            output=printed.output if isinstance(printed, EngineFailure) else printed,
            failed=failure is not None,
        )
        return result, failure

    async def _finish(self, task: Task) -> TaskResult:
        with self._log.work(task.image, "finish the image") as work:
            size = await self._ports.builder.finish(self._graph.fused[task.image])
            if isinstance(size, EngineFailure):
                return TaskResult(failure=self._failed(work, 0, DOING[task.kind], size))
            work.what = f"image built, {units.size(size)}"
            return TaskResult(size=size)

    async def _describe(self, task: Task) -> TaskResult:
        with self._log.work(task.image, "read what is in the image") as work:
            work.quiet = True
            inspected = await self._ports.inspector.inspect(self._graph.fused[task.image])
            if isinstance(inspected, EngineFailure):
                return TaskResult(failure=self._failed(work, 0, DOING[task.kind], inspected))
            return TaskResult(contents=read_contents(inspected, image=task.image))

    async def _measure(self, task: Task) -> TaskResult:
        with self._log.work(task.image, "measure the layers") as work:
            work.quiet = True
            layers = await self._ports.builder.layers(self._graph.fused[task.image])
            if isinstance(layers, EngineFailure):
                return TaskResult(failure=self._failed(work, 0, DOING[task.kind], layers))
            return TaskResult(layers=layers)

    async def _build_tools(self) -> TaskResult:
        with self._log.work("", "build the tools for tests") as work:
            work.quiet = True
            return self._ended(work, "", await self._ports.tester.prepare())

    async def _test(self, task: Task) -> TaskResult:
        request = SuiteRequest(
            image=self._stack.by_name[task.image],
            suite=self._graph.suites[task],
            settings=self._stack.tests,
            attempt=f"{task.image} {task.part} {self._run.retest}".rstrip(),
        )
        name = f"suite {request.suite.name} on {task.image}"
        with self._log.work(task.image, name, is_suite=True) as work:
            suite = await run_suite(self._ports.tester, self._graph.fused[task.image], request)
            await self._ports.progress.show_tests(work.span, suite.tests)
            work.what = suite_text(suite)
            if suite.outcome is not SuiteOutcome.PASSED:
                work.fail(suite.why)
        return TaskResult(suite=suite)

    async def _upload(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        publisher, image, fused = self._publisher(), self._stack.by_name[task.image], self._graph.fused[task.image]
        target = publisher.target(task.image)
        labels = publisher.labels(image, fused, self._parent_digest(image.parent or "", fused, upstream))
        with self._log.work(task.image, "upload the image") as work:
            digest = await self._ports.builder.upload(fused, target, labels)
            if isinstance(digest, EngineFailure):
                return TaskResult(failure=self._failed(work, 0, f"uploading to {target}", digest))
            work.what = "uploaded"
            return TaskResult(digest=digest)

    def _parent_digest(self, parent: str, fused: Fused, upstream: Mapping[Task, TaskResult]) -> str | None:
        """Return the digest of the parent's digest, None where the parent was built inside this image's text alone."""
        upload = Task(TaskKind.UPLOAD, parent)
        if upload in upstream:
            return upstream[upload].digest
        return None if parent in {stage.image for stage in fused.stages} else self._plan.reused.get(parent)

    async def _attest(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        suites = [result.suite for result in upstream.values() if result.suite]
        if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
            return TaskResult(skipped=True)
        digests = {
            name: digest
            for name in (task.image, *self._stack.by_name[task.image].needs)
            if (digest := self._digest(name, upstream))
        }
        with self._log.work(task.image, "attach the attestations") as work:
            work.quiet = True
            try:
                digest = digests.pop(task.image)
                # The attestation last: an image that has it is reused, and what is in it is not read again.
                contents = await self._attach_contents(task.image, digest, upstream)
                await self._publisher().attest_tests(task.image, digest, suites, digests)
            except RegistryError as error:
                failure = EngineFailure(message=str(error))
                return TaskResult(failure=self._failed(work, 0, DOING[task.kind], failure))
        return TaskResult(contents=contents)

    async def _attach_contents(self, name: str, digest: str, upstream: Mapping[Task, TaskResult]) -> Contents | None:
        described = upstream.get(Task(TaskKind.DESCRIBE, name))
        if described is None or described.contents is None:
            return None
        return await self._publisher().describe(name, digest, self._graph.fused[name], described.contents)

    def _digest(self, name: str, upstream: Mapping[Task, TaskResult]) -> str | None:
        """Return the digest of an image that was uploaded in this run, or that is reused."""
        upload = upstream.get(Task(TaskKind.UPLOAD, name))
        return upload.digest if upload else self._plan.reused.get(name)

    def _publisher(self) -> Publisher:
        assert self._ports.publisher is not None, "a publishing task without a publisher"  # noqa: S101 (never)
        return self._ports.publisher

    def _ended(self, work: Work, doing: str, failure: EngineFailure | None) -> TaskResult:
        return TaskResult(failure=self._failed(work, 0, doing, failure) if failure else None)

    def _failed(self, work: Work, line: int, doing: str, failure: EngineFailure) -> Failure:
        """Show a piece of work as failed; return where in the image's Dockerfile that is, and why."""
        result = failure_of(self._stack, work.image, line, doing, failure)
        work.fail(failure.message, result)
        return result
