"""Leaves nothing behind on the cluster: a pod that is forgotten is granted a GPU and charged for later."""

import anyio

from ci.promotion.gpu_command import delete_line, interrupt_line, name_question
from ci.promotion.gpu_ports import LoginNode, LoginSession, NodeError, NodeLostError, Pace

_NO_PROGRAM = 127
_CONNECT = 30.0


async def clean_up(session: LoginSession, node: LoginNode, pod: str, pace: Pace, *, ended: bool) -> str:
    """Have a pod deleted, over new connections if need be; return why it may still exist, empty if it is gone.

    `ended` tells that the launcher came to its end: where there is no kubectl, that is all that can be known. To be
    called within a shield; it takes `pace.clean_up` seconds at most.
    """
    why = f"it was still there after {pace.clean_up:.0f} s"
    with anyio.move_on_after(pace.clean_up):
        try:
            return await _delete(session, pod, pace, ended=ended)
        except NodeLostError:
            pass
        while True:
            try:
                async with node.connect(_CONNECT) as another:
                    return await _delete(another, pod, pace, ended=ended)
            except NodeError as error:
                why = str(error)
            await anyio.sleep(pace.look)
    return why


async def _delete(session: LoginSession, pod: str, pace: Pace, *, ended: bool) -> str:
    if not ended:
        # First of all: a launcher that still lives may create the pod after it was deleted. Whether it was found is no
        # matter, and not every node has pkill.
        await session.ask(interrupt_line(pod), pace.answer)
    deleted = await session.ask(delete_line(pod), pace.answer)
    if deleted.status == _NO_PROGRAM:
        return "" if ended else "the login node has no kubectl to delete it with"
    while True:
        left = await session.ask(name_question(pod), pace.answer)
        if left.status == 0 and not left.output.strip():
            return ""
        if left.status != 0 and deleted.status != 0:
            said = (deleted.errors or deleted.output).decode(errors="replace").strip()
            return f"kubectl answered with exit code {deleted.status}: {said[:300]}"
        await anyio.sleep(pace.look)
