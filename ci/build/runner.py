"""One run: executes the tasks of a plan side by side and reports what happened, whatever fails."""

import time
import traceback
from collections.abc import Awaitable, Mapping
from typing import TypeVar, assert_never

import msgspec

from ci.build.outcomes import TaskResult, find_root_causes, report_image, report_tasks
from ci.build.ports import EngineFailure, Publisher, RunPorts, SuiteRequest
from ci.build.scheduler import run_graph
from ci.build.suite_runner import run_suite
from ci.build.tasks import BuildRun, Task, plan_tasks
from ci.errors import EngineLostError, StackError, describe_unexpected, leaf_errors
from ci.fusion.fused import Fused, FusedStep
from ci.oci.registry import RegistryError
from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.results import (
    Failure,
    ImageReport,
    Outcome,
    RunReport,
    StepResult,
    SuiteOutcome,
    TaskKind,
    TaskReport,
    last_ended,
)
from ci.stack.model import Stack

T = TypeVar("T")


class Run:
    """One run of a plan against an engine."""

    def __init__(self, plan: Plan, stack: Stack, ports: RunPorts, run: BuildRun) -> None:
        self._plan = plan
        self._stack = stack
        self._ports = ports
        self._run = run
        self._graph = plan_tasks(plan, stack, run, upload=ports.publisher is not None)
        self._zero = time.monotonic()

    async def report(self) -> RunReport:
        """Run all tasks and report. Raises EngineLostError; all other failures are in the report."""
        results = await run_graph(self._graph.depends_on, self._do, skip=_skip, limit=self._run.jobs)
        root_causes = find_root_causes(self._graph, results)
        images = tuple(
            ImageReport(name=image.name, outcome=Outcome.DISABLED)
            if image.action is Action.DISABLED
            else report_image(image, self._graph, results, root_causes)
            for image in self._plan.images
        )
        report = RunReport(
            plan=self._plan,
            images=images,
            started=self._run.started,
            seconds=self._now(),
            jobs=self._run.jobs,
            commit=self._run.commit,
            changed=self._run.changed,
            tasks=report_tasks(self._graph, results),
        )
        if self._ports.publisher is None:
            return report
        started = self._now()
        with self._ports.progress.span("publish tags") as span:
            publication = await self._ports.publisher.publish_tags(report)
            if publication.failure:
                span.fail(publication.failure)
        task = TaskReport(
            kind=TaskKind.PUBLISH,
            image="",
            ready=started,
            started=started,
            seconds=self._now() - started,
            ok=not publication.failure,
            after=last_ended(report.tasks),
        )
        tasks = (*report.tasks, task)
        return msgspec.structs.replace(report, publication=publication, tasks=tasks, seconds=self._now())

    def _now(self) -> float:
        return time.monotonic() - self._zero

    async def _do(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        started = self._now()
        try:
            result = await self._execute(task, upstream)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is this task's failure, and others go on)
            result = TaskResult(failure=self._caught(task, error))
        return msgspec.structs.replace(result, started=started, ended=self._now())

    def _caught(self, task: Task, error: Exception) -> Failure:
        """Return an exception as the failure of the task that raised it. Raises EngineLostError."""
        errors = [*leaf_errors(error)]
        lost = next((one for one in errors if isinstance(one, EngineLostError)), None)
        if lost is not None:
            raise lost from error
        instruction = f"the {task.kind} of {task.part or task.image or 'the test tools'}"
        if all(isinstance(one, StackError) for one in errors):
            message = "\n".join(dict.fromkeys(map(str, errors)))
            return self._failure(task.image, 0, instruction, EngineFailure(message=message))
        log = f"logs/{task.image}/build.log of the report" if task.image else "report.json"
        message = f"{describe_unexpected(error)}, with the traceback from {log}."
        failure = self._failure(task.image, 0, instruction, EngineFailure(message=message))
        return msgspec.structs.replace(failure, traceback="".join(traceback.format_exception(error)))

    async def _execute(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        match task.kind:
            case TaskKind.FETCH:
                return await self._fetch(task)
            case TaskKind.STAGE:
                return await self._build_stage(task)
            case TaskKind.IMAGE:
                return await self._finish(task)
            case TaskKind.DESCRIBE:
                return await self._describe(task)
            case TaskKind.TOOLS:
                return await self._build_tools()
            case TaskKind.SUITE:
                return await self._test(task)
            case TaskKind.UPLOAD:
                return await self._upload(task, upstream)
            case TaskKind.ATTEST:
                return await self._attest(task, upstream)
            case TaskKind.PUBLISH:
                raise AssertionError("tags are published when all tasks have ended")
        assert_never(task.kind)

    async def _fetch(self, task: Task) -> TaskResult:
        reference = self._run.substitutions.published[task.image]
        fetching = self._ports.builder.fetch(reference)
        result = await self._attempt(f"{task.image}: fetch", task.image, f"fetching {reference}", fetching)
        return TaskResult(failure=result)

    async def _build_stage(self, task: Task) -> TaskResult:
        steps: list[StepResult] = []
        for step in self._graph.fused[task.image].steps:
            if (step.image, step.stage) != (task.image, task.part):
                continue
            result, failure = await self._run_step(step)
            steps.append(result)
            if failure:
                return TaskResult(steps=tuple(steps), failure=failure)
        return TaskResult(steps=tuple(steps))

    async def _run_step(self, step: FusedStep) -> tuple[StepResult, Failure | None]:
        started = self._now()
        running = self._ports.builder.run_step(self._graph.fused[step.image], step)
        title = f"{step.image}: {_shorten(step.command)}"
        printed = await self._attempt(title, step.image, step.command, running, line=step.line)
        failure = printed if isinstance(printed, Failure) else None
        result = StepResult(
            stage=step.stage,
            command=step.command,
            line=step.line,
            started=started,
            seconds=self._now() - started,
            output=printed.output if isinstance(printed, Failure) else printed,
            failed=failure is not None,
        )
        return result, failure

    async def _finish(self, task: Task) -> TaskResult:
        finishing = self._ports.builder.finish(self._graph.fused[task.image])
        size = await self._attempt(f"{task.image}: finish", task.image, "the image as a whole", finishing)
        return TaskResult(failure=size) if isinstance(size, Failure) else TaskResult(size=size)

    async def _describe(self, task: Task) -> TaskResult:
        measuring = self._ports.builder.layers(self._graph.fused[task.image])
        layers = await self._attempt(f"{task.image}: measure layers", task.image, "measuring its layers", measuring)
        return TaskResult(failure=layers) if isinstance(layers, Failure) else TaskResult(layers=layers)

    async def _build_tools(self) -> TaskResult:
        return TaskResult(failure=await self._attempt("tools for tests", "", "", self._ports.tester.prepare()))

    async def _test(self, task: Task) -> TaskResult:
        request = SuiteRequest(
            image=self._stack.by_name[task.image],
            suite=self._graph.suites[task],
            settings=self._stack.tests,
            attempt=f"{task.image} {task.part} {self._run.retest}".rstrip(),
        )
        ports = self._ports
        return TaskResult(suite=await run_suite(ports.tester, ports.progress, self._graph.fused[task.image], request))

    async def _upload(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        publisher, image = self._publisher(), self._stack.by_name[task.image]
        fused = self._graph.fused[task.image]
        target = publisher.target(task.image)
        labels = publisher.labels(image, fused, self._parent_digest(image.parent or "", fused, upstream))
        uploading = self._ports.builder.upload(fused, target, labels)
        digest = await self._attempt(f"{task.image}: upload", task.image, f"uploading to {target}", uploading)
        return TaskResult(failure=digest) if isinstance(digest, Failure) else TaskResult(digest=digest)

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
        try:
            await self._publisher().attest_tests(task.image, digests.pop(task.image), suites, digests)
        except RegistryError as error:
            failure = EngineFailure(message=str(error))
            return TaskResult(failure=self._failure(task.image, 0, "attaching its test attestation", failure))
        return TaskResult()

    def _digest(self, name: str, upstream: Mapping[Task, TaskResult]) -> str | None:
        """Return the digest of an image that was uploaded in this run, or that is reused."""
        upload = upstream.get(Task(TaskKind.UPLOAD, name))
        return upload.digest if upload else self._plan.reused.get(name)

    def _publisher(self) -> Publisher:
        assert self._ports.publisher is not None, "a publishing task without a publisher"  # noqa: S101 (never)
        return self._ports.publisher

    async def _attempt(
        self, title: str, image: str, instruction: str, work: Awaitable[T | EngineFailure], *, line: int = 0
    ) -> T | Failure:
        """Do some work under a span; return what comes of it, or where in the image's Dockerfile it failed and why."""
        with self._ports.progress.span(title) as span:
            result = await work
            if not isinstance(result, EngineFailure):
                return result
            span.fail(result.message)
        return self._failure(image, line, instruction, result)

    def _failure(self, image: str, line: int, instruction: str, failure: EngineFailure) -> Failure:
        return Failure(
            path=self._stack.by_name[image].dockerfile_path if image else "",
            line=line,
            instruction=instruction,
            message=failure.message,
            exit_code=failure.exit_code,
            output=failure.output,
        )


def _shorten(command: str, most: int = 100) -> str:
    return command if len(command) <= most else f"{command[: most - 1]}…"


def _skip(_: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult | None:
    return None if all(result.ok for result in upstream.values()) else TaskResult(skipped=True)
