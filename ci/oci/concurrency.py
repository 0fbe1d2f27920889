"""Many questions to registries at once: not too many at a time, and with every error that comes, not the first."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from ci.errors import ExternalError
from ci.oci.registry import RegistryError

ItemType = TypeVar("ItemType")
AnswerType = TypeVar("AnswerType")

LIMIT = 4
"""How many are under way at once, where nobody says otherwise."""


async def gather_results(
    ask: Callable[[ItemType], Awaitable[AnswerType]], items: Iterable[ItemType], limit: int = LIMIT
) -> tuple[AnswerType | RegistryError, ...]:
    """Return the answer for each item, in their order, the error for those that have none."""
    wanted = tuple(items)
    answers: dict[int, AnswerType | RegistryError] = {}
    slots = anyio.CapacityLimiter(limit)

    async def take(place: int, item: ItemType) -> None:
        async with slots:
            try:
                answers[place] = await ask(item)
            except RegistryError as error:
                answers[place] = error

    async with anyio.create_task_group() as tasks:
        for place, item in enumerate(wanted):
            tasks.start_soon(take, place, item)
    return tuple(answers[place] for place in range(len(wanted)))


async def gather_or_raise(
    ask: Callable[[ItemType], Awaitable[AnswerType]], items: Iterable[ItemType], limit: int = LIMIT
) -> tuple[AnswerType, ...]:
    """Return the answer for each item, in their order. Raises the one error, or an ExternalError that has all texts."""
    answers = await gather_results(ask, items, limit)
    errors = [answer for answer in answers if isinstance(answer, RegistryError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExternalError("\n".join(dict.fromkeys(str(error) for error in errors)))
    return tuple(answer for answer in answers if not isinstance(answer, RegistryError))
