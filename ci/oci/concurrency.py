"""Many registry requests at once: a limited number at a time, and every error is reported, not only the first."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import anyio

from ci.oci.registry import RegistryError, RegistryErrors

ItemType = TypeVar("ItemType")
ResultType = TypeVar("ResultType")

LIMIT = 4
"""The default for how many run at once."""


async def gather_results(
    call: Callable[[ItemType], Awaitable[ResultType]], items: Iterable[ItemType], limit: int = LIMIT
) -> tuple[ResultType | RegistryError, ...]:
    """Return the result for each item in order, or the RegistryError that it raised."""
    numbered = tuple(enumerate(items))
    results: dict[int, ResultType | RegistryError] = {}
    limiter = anyio.CapacityLimiter(limit)

    async def run(index: int, item: ItemType) -> None:
        async with limiter:
            try:
                results[index] = await call(item)
            except RegistryError as error:
                results[index] = error

    async with anyio.create_task_group() as tasks:
        for index, item in numbered:
            tasks.start_soon(run, index, item)
    return tuple(results[index] for index, _ in numbered)


async def gather_or_raise(
    call: Callable[[ItemType], Awaitable[ResultType]], items: Iterable[ItemType], limit: int = LIMIT
) -> tuple[ResultType, ...]:
    """Return the result for each item in order. Raises one RegistryError for all that failed.

    Errors of one class keep it; those of several classes become a RegistryErrors. Each text is in it once.
    """
    results = await gather_results(call, items, limit)
    errors = [result for result in results if isinstance(result, RegistryError)]
    if errors:
        raise _joined(errors)
    return tuple(result for result in results if not isinstance(result, RegistryError))


def _joined(errors: Sequence[RegistryError]) -> RegistryError:
    if len(errors) == 1:
        return errors[0]
    text = "\n".join(dict.fromkeys(str(error) for error in errors))
    classes = {type(error) for error in errors}
    if len(classes) > 1 or RegistryErrors in classes:
        return RegistryErrors(text, errors)
    return classes.pop()(text)
