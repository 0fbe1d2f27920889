"""Many requests at once: every error is reported, and keeps its class."""

import anyio
import pytest

from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.registry import AccessError, NoSpaceError, RegistryError, RegistryErrors

pytestmark = pytest.mark.anyio


async def raised(*results: RegistryError | str) -> RegistryError:
    async def call(number: int) -> str:
        result = results[number]
        if isinstance(result, RegistryError):
            raise result
        return result

    with pytest.raises(RegistryError) as caught:
        await gather_or_raise(call, range(len(results)))
    return caught.value


async def test_results_are_in_order_however_long_each_takes() -> None:
    async def call(number: int) -> int:
        await anyio.sleep(0.001 * (5 - number))
        if number == 2:
            raise AccessError("two")
        return number

    results = await gather_results(call, range(5), limit=5)
    assert [str(result) for result in results] == ["0", "1", "two", "3", "4"]


async def test_no_more_than_the_limit_run_at_once() -> None:
    running: list[int] = []

    async def call(number: int) -> int:
        running.append(number)
        await anyio.lowlevel.checkpoint()
        count = len(running)
        running.remove(number)
        return count

    assert max(await gather_or_raise(call, range(9), limit=3)) == 3


async def test_one_error_is_raised_as_it_is() -> None:
    error = AccessError("base")
    assert await raised("fine", error) is error


async def test_several_errors_of_one_class_keep_it() -> None:
    error = await raised(AccessError("base"), "fine", AccessError("ml"), AccessError("base"))
    assert type(error) is AccessError
    assert str(error) == "base\nml"


async def test_errors_of_several_classes_are_registry_errors() -> None:
    errors = (AccessError("base"), NoSpaceError("ml"))
    error = await raised(*errors)
    assert type(error) is RegistryErrors
    assert (str(error), error.errors) == ("base\nml", errors)


async def test_joined_errors_can_be_joined_again() -> None:
    error = await raised(RegistryErrors("a\nb"), RegistryErrors("c"))
    assert type(error) is RegistryErrors
    assert str(error) == "a\nb\nc"
