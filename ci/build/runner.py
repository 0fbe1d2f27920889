"""The run as a whole: does the plan's work side by side and tells what happened, whatever fails."""

import time
from collections.abc import Mapping
from typing import NamedTuple, assert_never

import msgspec

from ci.build.outcomes import Ended, find_culprits, fold_image
from ci.build.ports import Builder, Progress, Refused, SuiteRequest, Tester
from ci.build.scheduler import run_graph
from ci.build.suite_runner import run_suite
from ci.build.tasks import Kind, Piece, Wanted, plan_work
from ci.fusion.fused import Fused, FusedStep
from ci.fusion.substitutions import Using
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

    `jobs` is how many pieces of work may be done at once, `started` the time now (RFC 3339), `describe` whether layers
    are measured. `tested` names the images whose suites run; another `retest` stamp makes tests run that have run.
    `using` is what stands in for what is not built, `commit` and `changed` are for the report.
    """

    jobs: int
    started: str
    describe: bool = False
    tested: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    retest: str = ""
    using: Using = Using()
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
            using=request.using,
        )
        self._work = plan_work(plan, stack, wanted)
        self._zero = time.monotonic()

    async def report(self) -> RunReport:
        """Do the work and report. Raises ExternalError when the engine is lost; other failures are in the report."""
        ended = await run_graph(self._work.waits, self._do, skip=_skip, limit=self._request.jobs)
        culprits = find_culprits(self._work, ended)
        images = tuple(
            ImageReport(name=image.name, outcome=Outcome.DISABLED)
            if image.action is Action.DISABLED
            else fold_image(image, self._work, ended, culprits)
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
            publication = await self._ports.publisher.name_all(report)
            if publication.failure:
                span.fail(publication.failure)
        return msgspec.structs.replace(report, publication=publication, seconds=self._now())

    def _now(self) -> float:
        return time.monotonic() - self._zero

    async def _do(self, piece: Piece, upstream: Mapping[Piece, Ended]) -> Ended:
        started = self._now()
        ended = await self._piece(piece, upstream)
        return msgspec.structs.replace(ended, started=started, ended=self._now())

    async def _piece(self, piece: Piece, upstream: Mapping[Piece, Ended]) -> Ended:
        match piece.kind:
            case Kind.FETCH:
                return await self._fetch(piece)
            case Kind.STAGE:
                return await self._build_stage(piece)
            case Kind.IMAGE:
                return await self._finish(piece)
            case Kind.DESCRIBE:
                return await self._describe(piece)
            case Kind.TOOLS:
                return await self._make_tools()
            case Kind.SUITE:
                return await self._test(piece)
            case Kind.UPLOAD:
                return await self._upload(piece, upstream)
            case Kind.PROVE:
                return await self._prove(piece, upstream)
        assert_never(piece.kind)

    async def _fetch(self, piece: Piece) -> Ended:
        reference = self._request.using.published[piece.image]
        with self._ports.progress.span(f"{piece.image}: fetch") as span:
            refused = await self._ports.builder.fetch(reference)
            if refused is None:
                return Ended()
            span.fail(refused.message)
        return Ended(failure=self._failure(piece.image, 0, f"the fetching of {reference}", refused))

    async def _build_stage(self, piece: Piece) -> Ended:
        steps: list[StepResult] = []
        for step in self._work.fused[piece.image].steps:
            if (step.image, step.stage) != (piece.image, piece.part):
                continue
            result, failure = await self._run_step(step)
            steps.append(result)
            if failure:
                return Ended(steps=tuple(steps), failure=failure)
        return Ended(steps=tuple(steps))

    async def _run_step(self, step: FusedStep) -> tuple[StepResult, Failure | None]:
        started = self._now()
        with self._ports.progress.span(f"{step.image}: {_shorten(step.command)}") as span:
            answer = await self._ports.builder.run_step(self._work.fused[step.image], step)
            if isinstance(answer, Refused):
                span.fail(answer.message)
        failure = self._failure(step.image, step.line, step.command, answer) if isinstance(answer, Refused) else None
        result = StepResult(
            stage=step.stage,
            command=step.command,
            line=step.line,
            started=started,
            seconds=self._now() - started,
            output=answer.output if isinstance(answer, Refused) else answer,
            failed=failure is not None,
        )
        return result, failure

    async def _finish(self, piece: Piece) -> Ended:
        with self._ports.progress.span(f"{piece.image}: finish") as span:
            answer = await self._ports.builder.finish(self._work.fused[piece.image])
            if not isinstance(answer, Refused):
                return Ended(size=answer)
            span.fail(answer.message)
        return Ended(failure=self._failure(piece.image, 0, "the image as a whole", answer))

    async def _describe(self, piece: Piece) -> Ended:
        with self._ports.progress.span(f"{piece.image}: measure layers") as span:
            answer = await self._ports.builder.layers(self._work.fused[piece.image])
            if not isinstance(answer, Refused):
                return Ended(layers=answer)
            span.fail(answer.message)
        return Ended(failure=self._failure(piece.image, 0, "the measuring of its layers", answer))

    async def _make_tools(self) -> Ended:
        with self._ports.progress.span("tools for tests") as span:
            refused = await self._ports.tester.prepare()
            if refused is None:
                return Ended()
            span.fail(refused.message)
        failure = Failure(path="", line=0, instruction="", message=refused.message, output=refused.output)
        return Ended(failure=failure)

    async def _test(self, piece: Piece) -> Ended:
        request = SuiteRequest(
            image=self._stack.by_name[piece.image],
            suite=self._work.suites[piece],
            settings=self._stack.tests,
            attempt=f"{piece.image} {piece.part} {self._request.retest}".rstrip(),
        )
        ports = self._ports
        return Ended(suite=await run_suite(ports.tester, ports.progress, self._work.fused[piece.image], request))

    async def _upload(self, piece: Piece, upstream: Mapping[Piece, Ended]) -> Ended:
        publisher, image = self._publisher(), self._stack.by_name[piece.image]
        fused = self._work.fused[piece.image]
        digest = self._parent_digest(image.parent or "", fused, upstream)
        target = publisher.target(piece.image)
        with self._ports.progress.span(f"{piece.image}: upload") as span:
            answer = await self._ports.builder.upload(fused, target, publisher.labels(image, fused, digest))
            if not isinstance(answer, Refused):
                return Ended(digest=answer)
            span.fail(answer.message)
        return Ended(failure=self._failure(piece.image, 0, f"the upload to {target}", answer))

    def _parent_digest(self, parent: str, fused: Fused, upstream: Mapping[Piece, Ended]) -> str | None:
        """Return the digest of what an image is built on, None where that was built for it alone."""
        upload = Piece(Kind.UPLOAD, parent)
        if upload in upstream:
            return upstream[upload].digest
        return None if parent in {stage.image for stage in fused.stages} else self._plan.reused.get(parent)

    async def _prove(self, piece: Piece, upstream: Mapping[Piece, Ended]) -> Ended:
        suites = [ended.suite for ended in upstream.values() if ended.suite]
        if any(suite.outcome is not SuiteOutcome.PASSED for suite in suites):
            return Ended(skipped=True)
        upload = upstream.get(Piece(Kind.UPLOAD, piece.image))
        digest = upload.digest if upload else self._plan.reused.get(piece.image)
        try:
            await self._publisher().prove(piece.image, digest or "", suites)
        except RegistryError as error:
            refused = Refused(message=str(error))
            return Ended(failure=self._failure(piece.image, 0, "the record of its tests", refused))
        return Ended()

    def _publisher(self) -> Publisher:
        assert self._ports.publisher is not None, "work of publishing without a publisher"  # noqa: S101 (never)
        return self._ports.publisher

    def _failure(self, image: str, line: int, instruction: str, refused: Refused) -> Failure:
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


def _skip(_: Piece, upstream: Mapping[Piece, Ended]) -> Ended | None:
    return None if all(ended.ok for ended in upstream.values()) else Ended(skipped=True)
