"""Leaves nothing behind on the cluster: a pod that is forgotten is granted a GPU and charged for later."""

import anyio

from ci.promotion.gpu_command import delete_line, interrupt_line, name_question
from ci.promotion.gpu_ports import LoginNode, LoginSession, NodeError, NodeLostError, Pace

_NO_PROGRAM = 127
_CONNECT = 30.0
_MOST_REFUSALS = 3
_MOST_WORDS = 300


async def clean_up(session: LoginSession, node: LoginNode, pod: str, pace: Pace, *, ended: bool) -> str:
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

    def __init__(self, pod: str, pace: Pace, *, ended: bool) -> None:
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
