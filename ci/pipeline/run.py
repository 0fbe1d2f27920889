"""The run as a whole: does the plan's work side by side and tells what happened, whatever fails."""

import time
from collections.abc import Mapping

import msgspec

from ci.pipeline.ports import Builder, Progress, Refused
from ci.pipeline.scheduler import run_graph
from ci.pipeline.work import Kind, Piece, Work, plan_work
from ci.planning.plan import Action, Plan
from ci.results import Failure, ImageReport, Layer, Outcome, RunReport, StepResult, busy_seconds
from ci.stack.fusing import FusedStep
from ci.stack.model import Stack


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How one piece of work ended. One that was never started has neither times nor steps, and `skipped`."""

    started: float = 0.0
    ended: float = 0.0
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    skipped: bool = False
    size: int | None = None
    layers: tuple[Layer, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether what needs this piece can be started."""
        return self.failure is None and not self.skipped


class Run:
    """One run of a plan against an engine."""

    def __init__(self, plan: Plan, stack: Stack, builder: Builder, progress: Progress) -> None:
        self._plan = plan
        self._stack = stack
        self._builder = builder
        self._progress = progress
        self._zero = time.monotonic()

    async def report(self, *, jobs: int, started: str, describe: bool = False) -> RunReport:
        """Do the work, at most `jobs` pieces at once, and report. `started` is the time now, RFC 3339.

        Raises ExternalError when the engine is lost; every other failure is in the report.
        """
        work = plan_work(self._plan, self._stack, describe=describe)

        async def do(piece: Piece, _: Mapping[Piece, Ended]) -> Ended:
            return await self._do(work, piece)

        ended = await run_graph(work.waits, do, skip=_skip, limit=jobs)
        images = tuple(
            ImageReport(name=image.name, outcome=Outcome.DISABLED)
            if image.action is Action.DISABLED
            else _fold(image.name, ended, _culprits(work, ended))
            for image in self._plan.images
        )
        return RunReport(plan=self._plan, images=images, started=started, seconds=self._now(), jobs=jobs)

    def _now(self) -> float:
        return time.monotonic() - self._zero

    async def _do(self, work: Work, piece: Piece) -> Ended:
        started = self._now()
        match piece.kind:
            case Kind.STAGE:
                ended = await self._build_stage(work, piece)
            case Kind.IMAGE:
                ended = await self._finish(work, piece)
            case Kind.DESCRIBE:
                ended = await self._describe(work, piece)
        return msgspec.structs.replace(ended, started=started, ended=self._now())

    async def _build_stage(self, work: Work, piece: Piece) -> Ended:
        fused = work.fused[piece.image]
        steps: list[StepResult] = []
        for step in fused.steps:
            if (step.image, step.stage) != (piece.image, piece.stage):
                continue
            result, failure = await self._run_step(work, step)
            steps.append(result)
            if failure:
                return Ended(steps=tuple(steps), failure=failure)
        return Ended(steps=tuple(steps))

    async def _run_step(self, work: Work, step: FusedStep) -> tuple[StepResult, Failure | None]:
        started = self._now()
        with self._progress.span(f"{step.image}: {_shorten(step.command)}") as span:
            answer = await self._builder.run_step(work.fused[step.image], step)
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

    async def _finish(self, work: Work, piece: Piece) -> Ended:
        fused = work.fused[piece.image]
        with self._progress.span(f"{piece.image}: finish") as span:
            answer = await self._builder.finish(fused)
            if not isinstance(answer, Refused):
                return Ended(size=answer)
            span.fail(answer.message)
        return Ended(failure=self._failure(piece.image, 1, "the image as a whole", answer))

    async def _describe(self, work: Work, piece: Piece) -> Ended:
        with self._progress.span(f"{piece.image}: measure layers") as span:
            answer = await self._builder.layers(work.fused[piece.image])
            if not isinstance(answer, Refused):
                return Ended(layers=answer)
            span.fail(answer.message)
        return Ended(failure=self._failure(piece.image, 1, "the measuring of its layers", answer))

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


def _culprits(work: Work, ended: Mapping[Piece, Ended]) -> Mapping[Piece, str]:
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


def _fold(name: str, ended: Mapping[Piece, Ended], culprits: Mapping[Piece, str]) -> ImageReport:
    """Fold the pieces of one image into its report."""
    own = {piece: result for piece, result in ended.items() if piece.image == name}
    begun = [result for result in own.values() if not result.skipped]
    building = [result for piece, result in own.items() if piece.kind is not Kind.DESCRIBE and not result.skipped]
    culprit = next((culprits[piece] for piece in own if piece in culprits), None)
    failures = [result.failure for result in own.values() if result.failure]
    return ImageReport(
        name=name,
        outcome=Outcome.BUILT if culprit is None else Outcome.FAILED if culprit == name else Outcome.BLOCKED,
        started=min((result.started for result in building), default=0.0),
        seconds=busy_seconds([(result.started, result.ended) for result in building]),
        size=next((result.size for result in begun if result.size is not None), None),
        steps=tuple(step for result in begun for step in result.steps),
        failure=failures[0] if culprit == name else None,
        blocked_by=culprit if culprit not in {None, name} else None,
        layers=next((result.layers for result in begun if result.layers), ()),
    )
