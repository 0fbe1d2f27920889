"""One attempt of the GPU gate: log in, launch a pod, watch it, evaluate what came back, leave nothing behind."""

import secrets

import anyio
import msgspec

from ci.gpu_gate.commands import delete_line, events_question, interrupt_line, launch_line, name_question, pod_question
from ci.gpu_gate.evaluate import AttemptResult, evaluate
from ci.gpu_gate.pod import FailureReason, Phase, PodState, read_pod
from ci.gpu_gate.ports import (
    Ended,
    LoginNode,
    LoginSession,
    LogLine,
    NodeError,
    NodeKeyError,
    NodeLoginError,
    NodeLostError,
    RemoteCommand,
    Timing,
)
from ci.gpu_gate.transcript import Transcript
from ci.gpu_gate.verdict import GpuOutcome
from ci.stack.gpu_config import POD_ID, GpuSettings

_NO_PROGRAM = 127


class GateContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried, and where: the same for all attempts."""

    node: LoginNode
    settings: GpuSettings
    reference: str
    """`repository@sha256:…`."""
    tell: LogLine
    pace: Timing


class Attempt:
    """One attempt, with a pod of its own. `undeleted` says why its pod may still exist, empty if it is gone."""

    def __init__(self, trial: GateContext) -> None:
        self.pod = trial.settings.pod.replace(POD_ID, secrets.token_hex(4))
        self.undeleted = ""
        self._trial = trial
        self._nonce = secrets.token_hex(8)
        self._transcript = Transcript(self.pod, self._nonce)
        self._is_over = False
        self._ended = Ended()
        self._running = anyio.Event()
        self._trouble: FailureReason | None = None
        self._waits_for = ""

    async def run(self) -> AttemptResult:
        """Run it to its end. Whatever ends it, cancellation included, the pod is deleted before this returns."""
        settings, node = self._trial.settings, self._trial.node
        try:
            async with node.connect(settings.connect_limit) as session:
                await self._launch(session)
        except NodeError as error:
            return AttemptResult(outcome=_outcome(error), why=str(error))
        return evaluate(self._transcript.close(), self._ended, self._trouble, settings)

    async def _launch(self, session: LoginSession) -> None:
        trial = self._trial
        line = launch_line(trial.settings, trial.reference, self.pod, self._nonce, trial.pace)
        try:
            async with session.start(line) as command:
                try:
                    await self._follow(session, command)
                finally:
                    with anyio.CancelScope(shield=True):
                        await self._finish(command)
            if not self._transcript.has_result:
                await self._look(session)  # what happened to a pod is told even after it is gone
        finally:
            with anyio.CancelScope(shield=True):
                self.undeleted = await clean_up(session, trial.node, self.pod, trial.pace, ended=self._ended.known)

    async def _follow(self, session: LoginSession, command: RemoteCommand) -> None:
        """Read until the end, or until a trouble ends it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, session, tasks.cancel_scope)
            tasks.start_soon(self._limit, tasks.cancel_scope)
            await self._read(command)
            tasks.cancel_scope.cancel()

    async def _read(self, command: RemoteCommand) -> None:
        while piece := await command.read():
            for line in self._transcript.feed(piece):
                self._trial.tell(line)
            if self._transcript.started:
                self._running.set()
        self._is_over = True

    async def _finish(self, command: RemoteCommand) -> None:
        """Learn how the command ended; interrupt it if it has not, for the launcher deletes its pod then."""
        with anyio.move_on_after(self._trial.pace.interrupt):
            if not self._is_over:
                command.interrupt()
                await self._read(command)
            self._ended = await command.ended()

    async def _limit(self, scope: anyio.CancelScope) -> None:
        settings = self._trial.settings
        with anyio.move_on_after(settings.queue_limit):
            await self._running.wait()
        if self._running.is_set():
            await anyio.sleep(settings.run_limit + self._trial.pace.spare)
            self._trouble = FailureReason(
                outcome=GpuOutcome.BAD_RUN,
                why=f"The tests' result did not come within {settings.run_limit:.0f} s (gpu.run-limit): raise it, or "
                "make the tests shorter.",
            )
        else:
            said = f" The cluster said: {self._waits_for}" if self._waits_for else ""
            self._trouble = FailureReason(
                outcome=GpuOutcome.NO_CAPACITY,
                why=f"The pod did not run within {settings.queue_limit:.0f} s (gpu.queue-limit): try later.{said}",
            )
        scope.cancel()

    async def _watch(self, session: LoginSession, scope: anyio.CancelScope) -> None:
        """Look at the pod again and again, and end the attempt when no good can come of it."""
        has_kubectl = True
        while has_kubectl and self._trouble is None:
            await anyio.sleep(self._trial.pace.look)
            has_kubectl = await self._look(session)
        if self._trouble:
            scope.cancel()

    async def _look(self, session: LoginSession) -> bool:
        """Look at the pod once; return False if there is no kubectl to look with."""
        try:
            pod = await session.ask(pod_question(self.pod), self._trial.pace.answer)
            if pod.status == _NO_PROGRAM:
                return False
            events = await session.ask(events_question(self.pod), self._trial.pace.answer)
        except NodeLostError:
            return True  # a slow answer; or else whoever reads the output finds the connection lost, too
        self._learn(read_pod(pod.output, events.output))
        return True

    def _learn(self, state: PodState) -> None:
        if state.phase not in {Phase.NONE, Phase.PENDING}:
            self._running.set()
        if state.waits_for != self._waits_for:
            self._waits_for = state.waits_for
            self._trial.tell(f"The cluster says of {self.pod}: {state.waits_for}")
        self._trouble = self._trouble or state.trouble


def _outcome(error: NodeError) -> GpuOutcome:
    if isinstance(error, NodeLoginError):
        return GpuOutcome.LOGIN
    return GpuOutcome.HOST_KEY if isinstance(error, NodeKeyError) else GpuOutcome.INFRASTRUCTURE


_CONNECT = 30.0
_MOST_REFUSALS = 3
_MOST_WORDS = 300


async def clean_up(session: LoginSession, node: LoginNode, pod: str, pace: Timing, *, ended: bool) -> str:
    """Have a pod deleted, over new connections if need be; return why it may still exist, empty if it is gone.

    `ended` tells that the launcher came to its end: where there is no kubectl, that is all that can be known. To be
    called within a shield; it takes `pace.clean_up` seconds at most.
    """
    cleaning = _Cleaning(pod, pace, ended=ended)
    with anyio.move_on_after(pace.clean_up):
        try:
            await cleaning.over(session)
        except NodeLostError:
            await cleaning.over_another(node)
    return cleaning.why


class _Cleaning:
    """The deletion of one pod; `why` says at any time why the pod may still exist."""

    def __init__(self, pod: str, pace: Timing, *, ended: bool) -> None:
        self.why = "there was no time to delete it"
        self._pod = pod
        self._pace = pace
        self._ended = ended

    async def over_another(self, node: LoginNode) -> None:
        while True:
            try:
                async with node.connect(_CONNECT) as another:
                    return await self.over(another)
            except NodeError as error:
                self.why = str(error)
            await anyio.sleep(self._pace.look)

    async def over(self, session: LoginSession) -> None:
        """Delete it over this connection. Raises NodeLostError."""
        if not self._ended:
            # First of all: a launcher that still lives may create the pod after it was deleted. Whether it was found
            # is no matter, and not every node has pkill.
            await session.ask(interrupt_line(self._pod), self._pace.answer)
        refusals = 0
        while refusals < _MOST_REFUSALS:
            deleted = await session.ask(delete_line(self._pod), self._pace.answer)
            if deleted.status == _NO_PROGRAM:
                self.why = "" if self._ended else "the login node has no kubectl to delete it with"
                return
            left = await session.ask(name_question(self._pod), self._pace.answer)
            if left.status == 0 and not left.output.strip():
                self.why = ""
                return
            refusals += deleted.status != 0
            said = (deleted.errors or left.errors).decode(errors="replace").strip()[:_MOST_WORDS]
            self.why = f"kubectl answered: {said}" if said else "it was deleted, and is still there"
            await anyio.sleep(self._pace.look)
