"""The GPU gate: one image, by digest, on a real GPU; a verdict that is a proof or says what is missing."""

from datetime import UTC, datetime

from ci.errors import RequestError
from ci.gpu_gate.attempt import Attempt, GateContext
from ci.gpu_gate.evaluate import AttemptResult
from ci.gpu_gate.ports import Clock, LoginNode, LogLine, Timing
from ci.gpu_gate.verdict import GpuAttempt, GpuOutcome, GpuVerdict
from ci.oci.reference import is_digest
from ci.stack.gpu_config import GpuSettings

# What may be different the next time.
_RETRIED = {GpuOutcome.INFRASTRUCTURE, GpuOutcome.NO_CAPACITY}
ATTEMPTS = 3


async def run_gate(  # noqa: PLR0913 (all but three have defaults, which only tests change)
    node: LoginNode,
    settings: GpuSettings,
    reference: str,
    *,
    tell: LogLine,
    attempts: int = ATTEMPTS,
    clock: Clock | None = None,
    pace: Timing | None = None,
) -> GpuVerdict:
    """Try an image, `repository@sha256:…`, and evaluate it; `tell` gets each line of output as it comes.

    Whatever ends it, cancellation included, no pod is left behind, or it is named: in the verdict, through `tell`, and
    in a note on the exception.
    """
    if not is_digest(reference.rpartition("@")[2]):
        raise RequestError(
            f"{reference!r} names no digest: the GPU gate tries exactly the image that is to be promoted."
        )
    if attempts < 1:
        raise RequestError(f"There cannot be {attempts} attempts: the GPU gate takes one at least.")
    trial = GateContext(node=node, settings=settings, reference=reference, tell=tell, pace=pace or Timing())
    return await _Gate(trial, attempts, clock or Clock()).run()


class _Gate:
    """The attempts, and what they came to."""

    def __init__(self, trial: GateContext, attempts: int, clock: Clock) -> None:
        self._trial = trial
        self._most = attempts
        self._clock = clock
        self._attempts: list[GpuAttempt] = []
        self._undeleted: list[str] = []

    async def run(self) -> GpuVerdict:
        started = self._clock.now()
        finding = await self._attempt()
        while finding.outcome in _RETRIED and len(self._attempts) < self._most:
            delay = self._trial.pace.retry * (1 << len(self._attempts) - 1)
            self._trial.tell(f"The GPU gate will try again in {delay:.0f} s.")
            await self._clock.sleep(delay)
            finding = await self._attempt()
        return GpuVerdict(
            image=self._trial.settings.image,
            reference=self._trial.reference,
            outcome=finding.outcome,
            why=finding.why,
            tests=finding.tests,
            gpus=finding.gpus,
            host=self._trial.node.host,
            pod=self._attempts[-1].pod,
            started=_written(started),
            seconds=self._since(started),
            attempts=tuple(self._attempts),
            undeleted=tuple(self._undeleted),
        )

    async def _attempt(self) -> AttemptResult:
        started = self._clock.now()
        attempt = Attempt(self._trial)
        self._trial.tell(f"The GPU gate launches {self._trial.reference} as {attempt.pod} on {self._trial.node.host}.")
        try:
            finding = await attempt.run()
        except BaseException as error:
            for warning in self._warnings(attempt):
                error.add_note(warning)
            raise
        self._warnings(attempt)
        self._attempts.append(
            GpuAttempt(
                pod=attempt.pod,
                outcome=finding.outcome,
                why=finding.why,
                started=_written(started),
                seconds=self._since(started),
            )
        )
        self._trial.tell(f"The GPU gate: {finding.outcome}. {finding.why}")
        return finding

    def _warnings(self, attempt: Attempt) -> list[str]:
        """LogLine loudly of a pod that may still exist."""
        if not attempt.undeleted:
            return []
        self._undeleted.append(attempt.pod)
        warning = (
            f"THE POD {attempt.pod} MAY STILL EXIST, and then holds a GPU and costs: {attempt.undeleted}. "
            f"Log in to {self._trial.node.host} and run: kubectl delete pod {attempt.pod}"
        )
        self._trial.tell(warning)
        return [warning]

    def _since(self, started: float) -> float:
        return round(self._clock.now() - started, 1)


def _written(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
