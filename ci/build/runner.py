"""The run as a whole: does the plan's work side by side and tells what happened, whatever fails."""

import time
from collections.abc import Mapping
from typing import NamedTuple, assert_never

import msgspec

from ci.build.outcomes import TaskResult, find_root_causes, report_image
from ci.build.ports import Builder, EngineFailure, Progress, SuiteRequest, Tester
from ci.build.scheduler import run_graph
from ci.build.suite_runner import run_suite
from ci.build.tasks import Task, TaskKind, Wanted, plan_tasks
from ci.fusion.fused import Fused, FusedStep
from ci.fusion.substitutions import Substitutions
from ci.oci.registry import RegistryError
from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.publish.publisher import Publisher
from ci.results import Failure, ImageReport, Outcome, RunReport, StepResult, SuiteOutcome
from ci.stack.model import Stack


class Ports(NamedTuple):
    """The world, as a run sees it. With a publisher, what is built is uploaded, and named when all has passed."""

    builder: Builder
    tester: Tester
    progress: Progress
    publisher: Publisher | None = None


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a plan.

    `jobs` is how many tasks may be done at once, `started` the time now (RFC 3339), `describe` whether layers
    are measured. `tested` names the images whose suites run; another `retest` stamp makes tests run that have run.
    `substitutions` is what stands in for what is not built, `commit` and `changed` are for the report.
    """

    jobs: int
    started: str
    describe: bool = False
    tested: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    retest: str = ""
    substitutions: Substitutions = Substitutions()
    commit: str | None = None
    changed: tuple[str, ...] = ()


class Run:
    """One run of a plan against an engine."""

    def __init__(self, plan: Plan, stack: Stack, ports: Ports, request: RunRequest) -> None:
        self._plan = plan
        self._stack = stack
        self._ports = ports
        self._request = request
        wanted = Wanted(
            tested=request.tested,
            suites=request.suites,
            describe=request.describe,
            upload=ports.publisher is not None,
            substitutions=request.substitutions,
        )
        self._work = plan_tasks(plan, stack, wanted)
        self._zero = time.monotonic()

    async def report(self) -> RunReport:
        """Do the work and report. Raises ExternalError when the engine is lost; other failures are in the report."""
        ended = await run_graph(self._work.depends_on, self._do, skip=_skip, limit=self._request.jobs)
        root_causes = find_root_causes(self._work, ended)
        images = tuple(
            ImageReport(name=image.name, outcome=Outcome.DISABLED)
            if image.action is Action.DISABLED
            else report_image(image, self._work, ended, root_causes)
            for image in self._plan.images
        )
        report = RunReport(
            plan=self._plan,
            images=images,
            started=self._request.started,
            seconds=self._now(),
            jobs=self._request.jobs,
            commit=self._request.commit,
            changed=self._request.changed,
        )
        if self._ports.publisher is None:
            return report
        with self._ports.progress.span("name what passed") as span:
            publication = await self._ports.publisher.publish_tags(report)
            if publication.failure:
                span.fail(publication.failure)
        return msgspec.structs.replace(report, publication=publication, seconds=self._now())

    def _now(self) -> float:
        return time.monotonic() - self._zero

    async def _do(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        started = self._now()
        ended = await self._piece(task, upstream)
        return msgspec.structs.replace(ended, started=started, ended=self._now())

    async def _piece(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
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
                return await self._make_tools()
            case TaskKind.SUITE:
                return await self._test(task)
            case TaskKind.UPLOAD:
                return await self._upload(task, upstream)
            case TaskKind.ATTEST:
                return await self._prove(task, upstream)
        assert_never(task.kind)

    async def _fetch(self, task: Task) -> TaskResult:
        reference = self._request.substitutions.published[task.image]
        with self._ports.progress.span(f"{task.image}: fetch") as span:
            refused = await self._ports.builder.fetch(reference)
            if refused is None:
                return TaskResult()
            span.fail(refused.message)
        return TaskResult(failure=self._failure(task.image, 0, f"the fetching of {reference}", refused))

    async def _build_stage(self, task: Task) -> TaskResult:
        steps: list[StepResult] = []
        for step in self._work.fused[task.image].steps:
            if (step.image, step.stage) != (task.image, task.part):
                continue
            result, failure = await self._run_step(step)
            steps.append(result)
            if failure:
                return TaskResult(steps=tuple(steps), failure=failure)
        return TaskResult(steps=tuple(steps))

    async def _run_step(self, step: FusedStep) -> tuple[StepResult, Failure | None]:
        started = self._now()
        with self._ports.progress.span(f"{step.image}: {_shorten(step.command)}") as span:
            answer = await self._ports.builder.run_step(self._work.fused[step.image], step)
            if isinstance(answer, EngineFailure):
                span.fail(answer.message)
        failure = (
            self._failure(step.image, step.line, step.command, answer) if isinstance(answer, EngineFailure) else None
        )
        result = StepResult(
            stage=step.stage,
            command=step.command,
            line=step.line,
            started=started,
            seconds=self._now() - started,
            output=answer.output if isinstance(answer, EngineFailure) else answer,
            failed=failure is not None,
        )
        return result, failure

    async def _finish(self, task: Task) -> TaskResult:
        with self._ports.progress.span(f"{task.image}: finish") as span:
            answer = await self._ports.builder.finish(self._work.fused[task.image])
            if not isinstance(answer, EngineFailure):
                return TaskResult(size=answer)
            span.fail(answer.message)
        return TaskResult(failure=self._failure(task.image, 0, "the image as a whole", answer))

    async def _describe(self, task: Task) -> TaskResult:
        with self._ports.progress.span(f"{task.image}: measure layers") as span:
            answer = await self._ports.builder.layers(self._work.fused[task.image])
            if not isinstance(answer, EngineFailure):
                return TaskResult(layers=answer)
            span.fail(answer.message)
        return TaskResult(failure=self._failure(task.image, 0, "the measuring of its layers", answer))

    async def _make_tools(self) -> TaskResult:
        with self._ports.progress.span("tools for tests") as span:
            refused = await self._ports.tester.prepare()
            if refused is None:
                return TaskResult()
            span.fail(refused.message)
        failure = Failure(path="", line=0, instruction="", message=refused.message, output=refused.output)
        return TaskResult(failure=failure)

    async def _test(self, task: Task) -> TaskResult:
        request = SuiteRequest(
            image=self._stack.by_name[task.image],
            suite=self._work.suites[task],
            settings=self._stack.tests,
            attempt=f"{task.image} {task.part} {self._request.retest}".rstrip(),
        )
        ports = self._ports
        return TaskResult(suite=await run_suite(ports.tester, ports.progress, self._work.fused[task.image], request))

    async def _upload(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        publisher, image = self._publisher(), self._stack.by_name[task.image]
        fused = self._work.fused[task.image]
        digest = self._parent_digest(image.parent or "", fused, upstream)
        target = publisher.target(task.image)
        with self._ports.progress.span(f"{task.image}: upload") as span:
            answer = await self._ports.builder.upload(fused, target, publisher.labels(image, fused, digest))
            if not isinstance(answer, EngineFailure):
                return TaskResult(digest=answer)
            span.fail(answer.message)
        return TaskResult(failure=self._failure(task.image, 0, f"the upload to {target}", answer))

    def _parent_digest(self, parent: str, fused: Fused, upstream: Mapping[Task, TaskResult]) -> str | None:
        """Return the digest of what an image is built on, None where that was built for it alone."""
        upload = Task(TaskKind.UPLOAD, parent)
        if upload in upstream:
            return upstream[upload].digest
        return None if parent in {stage.image for stage in fused.stages} else self._plan.reused.get(parent)

    async def _prove(self, task: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult:
        suites = [ended.suite for ended in upstream.values() if ended.suite]
        if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
            return TaskResult(skipped=True)
        upload = upstream.get(Task(TaskKind.UPLOAD, task.image))
        digest = upload.digest if upload else self._plan.reused.get(task.image)
        try:
            await self._publisher().attest_tests(task.image, digest or "", suites)
        except RegistryError as error:
            refused = EngineFailure(message=str(error))
            return TaskResult(failure=self._failure(task.image, 0, "the record of its tests", refused))
        return TaskResult()

    def _publisher(self) -> Publisher:
        assert self._ports.publisher is not None, "work of publishing without a publisher"  # noqa: S101 (never)
        return self._ports.publisher

    def _failure(self, image: str, line: int, instruction: str, refused: EngineFailure) -> Failure:
        return Failure(
            path=self._stack.by_name[image].dockerfile_path,
            line=line,
            instruction=instruction,
            message=refused.message,
            exit_code=refused.exit_code,
            output=refused.output,
        )


def _shorten(command: str, most: int = 100) -> str:
    return command if len(command) <= most else f"{command[: most - 1]}…"


def _skip(_: Task, upstream: Mapping[Task, TaskResult]) -> TaskResult | None:
    return None if all(ended.ok for ended in upstream.values()) else TaskResult(skipped=True)
