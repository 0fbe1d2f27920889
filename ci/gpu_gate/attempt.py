"""One attempt of the GPU gate: log in, launch a pod, watch it, evaluate the result, delete the pod."""

import secrets

import anyio
import msgspec

from ci.gpu_gate.commands import delete_command, events_query, interrupt_command, launch_command, name_query, pod_query
from ci.gpu_gate.evaluate import AttemptResult, evaluate
from ci.gpu_gate.pod import FailureReason, Phase, PodState, read_pod
from ci.gpu_gate.ports import (
    CommandExit,
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
from ci.pytest_results import NOT_FOUND
from ci.stack.gpu_config import POD_ID, GpuSettings

# Of the deletion of a pod.
_RECONNECT_LIMIT = 30.0
_MOST_FAILURES = 3
_MOST_QUOTED = 300


class GateContext(msgspec.Struct, frozen=True, kw_only=True):
    """What all attempts have in common."""

    node: LoginNode
    settings: GpuSettings
    reference: str
    """The image to test: `repository@sha256:…`."""
    log: LogLine
    timing: Timing


class Attempt:
    """One attempt, with a pod of its own. `undeleted` says why its pod may still exist, empty if it is gone."""

    def __init__(self, context: GateContext) -> None:
        self.pod = context.settings.pod.replace(POD_ID, secrets.token_hex(4))
        self.undeleted = ""
        self._context = context
        self._nonce = secrets.token_hex(8)
        self._transcript = Transcript(self.pod, self._nonce)
        self._output_ended = False
        self._launcher_exit = CommandExit()
        self._pod_runs = anyio.Event()
        self._failure: FailureReason | None = None
        self._waiting_for = ""

    async def run(self) -> AttemptResult:
        """Run the attempt. The pod is deleted before this returns, whatever happens, cancellation included."""
        settings, node = self._context.settings, self._context.node
        try:
            async with node.connect(settings.connect_limit) as session:
                await self._launch(session)
        except NodeError as error:
            return AttemptResult(outcome=_outcome(error), why=str(error))
        return evaluate(self._transcript.close(), self._launcher_exit, self._failure, settings)

    async def _launch(self, session: LoginSession) -> None:
        context = self._context
        line = launch_command(context.settings, context.reference, self.pod, self._nonce, context.timing)
        try:
            async with session.start(line) as launcher:
                try:
                    await self._follow(session, launcher)
                finally:
                    with anyio.CancelScope(shield=True):
                        await self._finish(launcher)
            if not self._transcript.has_result:
                await self._query_pod(session)  # its events are kept after the pod is deleted
        finally:
            with anyio.CancelScope(shield=True):
                self.undeleted = await delete_pod(
                    session, context.node, self.pod, context.timing, launcher_ended=self._launcher_exit.known
                )

    async def _follow(self, session: LoginSession, launcher: RemoteCommand) -> None:
        """Read the output to its end, or until the attempt is known to fail."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, session, tasks.cancel_scope)
            tasks.start_soon(self._limit, tasks.cancel_scope)
            await self._read(launcher)
            tasks.cancel_scope.cancel()

    async def _read(self, launcher: RemoteCommand) -> None:
        while part := await launcher.read():
            for line in self._transcript.feed(part):
                self._context.log(line)
            if self._transcript.started:
                self._pod_runs.set()
        self._output_ended = True

    async def _finish(self, launcher: RemoteCommand) -> None:
        """Wait for the launcher's end; interrupt it first if it still runs, because it then deletes its pod."""
        with anyio.move_on_after(self._context.timing.interrupt):
            if not self._output_ended:
                launcher.interrupt()
                await self._read(launcher)
            self._launcher_exit = await launcher.wait()

    async def _limit(self, scope: anyio.CancelScope) -> None:
        settings = self._context.settings
        with anyio.move_on_after(settings.queue_limit):
            await self._pod_runs.wait()
        if self._pod_runs.is_set():
            await anyio.sleep(settings.run_limit + self._context.timing.margin)
            self._failure = FailureReason(
                outcome=GpuOutcome.BAD_RUN,
                why=f"The tests' result did not arrive within {settings.run_limit:.0f} s (gpu.run-limit): raise it, or "
                "make the tests shorter.",
            )
        else:
            cluster = f" The cluster's last message: {self._waiting_for}" if self._waiting_for else ""
            self._failure = FailureReason(
                outcome=GpuOutcome.NO_CAPACITY,
                why=f"The pod did not run within {settings.queue_limit:.0f} s (gpu.queue-limit): try later.{cluster}",
            )
        scope.cancel()

    async def _watch(self, session: LoginSession, scope: anyio.CancelScope) -> None:
        """Query the pod's state periodically, and end the attempt when it can only fail."""
        has_kubectl = True
        while has_kubectl and self._failure is None:
            await anyio.sleep(self._context.timing.poll)
            has_kubectl = await self._query_pod(session)
        if self._failure:
            scope.cancel()

    async def _query_pod(self, session: LoginSession) -> bool:
        """Query the pod's state once; return False if the login node has no kubectl."""
        try:
            pod = await session.run(pod_query(self.pod), self._context.timing.query)
            if pod.code == NOT_FOUND:
                return False
            events = await session.run(events_query(self.pod), self._context.timing.query)
        except NodeLostError:
            return True  # kubectl is slow; or the connection is lost, which reading the output shows as well
        self._update(read_pod(pod.output, events.output))
        return True

    def _update(self, state: PodState) -> None:
        if state.phase not in {Phase.NONE, Phase.PENDING}:
            self._pod_runs.set()
        if state.waiting_for != self._waiting_for:
            self._waiting_for = state.waiting_for
            self._context.log(f"The cluster on pod {self.pod}: {state.waiting_for}")
        self._failure = self._failure or state.failure


def _outcome(error: NodeError) -> GpuOutcome:
    if isinstance(error, NodeLoginError):
        return GpuOutcome.LOGIN
    return GpuOutcome.HOST_KEY if isinstance(error, NodeKeyError) else GpuOutcome.INFRASTRUCTURE


async def delete_pod(session: LoginSession, node: LoginNode, pod: str, timing: Timing, *, launcher_ended: bool) -> str:
    """Delete a pod, over new connections if needed; return why it may still exist, empty if it is gone.

    Call it in a shielded scope; it takes at most `timing.delete` seconds. Without kubectl on the login node, a launcher
    that has ended counts as a deleted pod, because it deletes its pod itself.
    """
    deletion = _PodDeletion(pod, timing, launcher_ended=launcher_ended)
    with anyio.move_on_after(timing.delete):
        try:
            await deletion.run(session)
        except NodeLostError:
            await deletion.run_reconnected(node)
    return deletion.why


class _PodDeletion:
    """The deletion of one pod; `why` says at any time why the pod may still exist."""

    def __init__(self, pod: str, timing: Timing, *, launcher_ended: bool) -> None:
        self.why = "there was no time to delete it"
        self._pod = pod
        self._timing = timing
        self._launcher_ended = launcher_ended

    async def run_reconnected(self, node: LoginNode) -> None:
        """Delete the pod over a new connection; connect again as often as needed."""
        while True:
            try:
                async with node.connect(_RECONNECT_LIMIT) as session:
                    return await self.run(session)
            except NodeError as error:
                self.why = str(error)
            await anyio.sleep(self._timing.poll)

    async def run(self, session: LoginSession) -> None:
        """Delete the pod over this connection. Raises NodeLostError."""
        if not self._launcher_ended:
            # First, because a launcher that still runs may create the pod after its deletion. The result does not
            # matter: the launcher may be gone, and not every node has pkill.
            await session.run(interrupt_command(self._pod), self._timing.query)
        failures = 0
        while failures < _MOST_FAILURES:
            deleted = await session.run(delete_command(self._pod), self._timing.query)
            if deleted.code == NOT_FOUND:
                self.why = "" if self._launcher_ended else "the login node has no kubectl to delete it with"
                return
            left = await session.run(name_query(self._pod), self._timing.query)
            if left.code == 0 and not left.output.strip():
                self.why = ""
                return
            failures += deleted.code != 0
            errors = (deleted.errors or left.errors).decode(errors="replace").strip()[:_MOST_QUOTED]
            self.why = f"kubectl failed: {errors}" if errors else "it still exists after its deletion"
            await anyio.sleep(self._timing.poll)
