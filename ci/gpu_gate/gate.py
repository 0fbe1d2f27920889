"""The GPU gate: tests one image, by digest, on a real GPU. Its verdict is a proof, or says what is missing."""

from datetime import UTC, datetime

from ci.clock import Clock, backoff
from ci.errors import RequestError
from ci.gpu_gate.attempt import Attempt, GateContext
from ci.gpu_gate.evaluate import AttemptResult
from ci.gpu_gate.ports import LoginNode, LogLine, Timing
from ci.gpu_gate.verdict import GpuAttempt, GpuOutcome, GpuVerdict
from ci.oci.reference import is_digest
from ci.stack.gpu_config import GpuSettings

# Another attempt may end differently.
_RETRIED = {GpuOutcome.INFRASTRUCTURE, GpuOutcome.NO_CAPACITY}
ATTEMPTS = 3


async def run_gate(  # noqa: PLR0913 (all but three have defaults, which only tests change)
    node: LoginNode,
    settings: GpuSettings,
    reference: str,
    *,
    log: LogLine,
    attempts: int = ATTEMPTS,
    clock: Clock | None = None,
    timing: Timing | None = None,
) -> GpuVerdict:
    """Test an image, `repository@sha256:…`, on a GPU; `log` gets each line of output at once.

    No pod stays, whatever happens, cancellation included. One that may stay is reported in the verdict, through `log`,
    and in a note on the exception.
    """
    if not is_digest(reference.rpartition("@")[2]):
        raise RequestError(f"{reference!r} has no digest: the GPU gate tests exactly the image that will be promoted.")
    if attempts < 1:
        raise RequestError(f"--attempts is {attempts}: the GPU gate needs at least one.")
    context = GateContext(node=node, settings=settings, reference=reference, log=log, timing=timing or Timing())
    return await _Gate(context, attempts, clock or Clock()).run()


class _Gate:
    """The attempts and their results."""

    def __init__(self, context: GateContext, most_attempts: int, clock: Clock) -> None:
        self._context = context
        self._most_attempts = most_attempts
        self._clock = clock
        self._attempts: list[GpuAttempt] = []
        self._undeleted: list[str] = []

    async def run(self) -> GpuVerdict:
        started = self._clock.now()
        result = await self._attempt()
        while result.outcome in _RETRIED and len(self._attempts) < self._most_attempts:
            # Not shortened by chance, as retries of requests are: no other client waits for this one's GPU.
            delay = backoff(len(self._attempts), self._context.timing.retry, chance=1)
            self._context.log(f"The GPU gate will try again in {delay:.0f} s.")
            await self._clock.sleep(delay)
            result = await self._attempt()
        return GpuVerdict(
            image=self._context.settings.image,
            reference=self._context.reference,
            outcome=result.outcome,
            why=result.why,
            tests=result.tests,
            gpus=result.gpus,
            host=self._context.node.host,
            pod=self._attempts[-1].pod,
            started=_timestamp(started),
            seconds=self._since(started),
            attempts=tuple(self._attempts),
            undeleted=tuple(self._undeleted),
        )

    async def _attempt(self) -> AttemptResult:
        started = self._clock.now()
        attempt = Attempt(self._context)
        reference, host = self._context.reference, self._context.node.host
        self._context.log(f"The GPU gate launches {reference} as pod {attempt.pod} on {host}.")
        try:
            result = await attempt.run()
        except BaseException as error:
            for warning in self._warnings(attempt):
                error.add_note(warning)
            raise
        self._warnings(attempt)
        self._attempts.append(
            GpuAttempt(
                pod=attempt.pod,
                outcome=result.outcome,
                why=result.why,
                started=_timestamp(started),
                seconds=self._since(started),
            )
        )
        self._context.log(f"The GPU gate: {result.outcome}. {result.why}")
        return result

    def _warnings(self, attempt: Attempt) -> list[str]:
        """Log a warning if the pod may still exist, and return it."""
        if not attempt.undeleted:
            return []
        self._undeleted.append(attempt.pod)
        warning = (
            f"WARNING: pod {attempt.pod} may still be running and holding a GPU: {attempt.undeleted}. "
            f"Log in to {self._context.node.host} and run: kubectl delete pod {attempt.pod}"
        )
        self._context.log(warning)
        return [warning]

    def _since(self, started: float) -> float:
        return round(self._clock.now() - started, 1)


def _timestamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
