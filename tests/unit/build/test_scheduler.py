from collections.abc import Mapping

import anyio
import pytest

from ci.build.scheduler import run_graph

pytestmark = pytest.mark.anyio

DIAMOND = {"base": (), "left": ("base",), "right": ("base",), "top": ("left", "right")}


async def run(needs: Mapping[str, tuple[str, ...]], *, limit: int, failing: frozenset[str] = frozenset()) -> list[str]:
    """Run a graph and return what began and ended, in order: `+name` and `-name`."""
    log: list[str] = []

    async def work(node: str, _: Mapping[str, bool]) -> bool:
        log.append(f"+{node}")
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        log.append(f"-{node}")
        return node not in failing

    def skip(node: str, upstream: Mapping[str, bool]) -> bool | None:
        if all(upstream.values()):
            return None
        log.append(f"!{node}")
        return False

    results = await run_graph(needs, work, skip=skip, limit=limit)
    assert list(results) == list(needs)
    return log


async def test_siblings_run_side_by_side() -> None:
    log = await run(DIAMOND, limit=2)
    assert log == ["+base", "-base", "+left", "+right", "-left", "-right", "+top", "-top"]


async def test_the_limit_holds_for_the_whole_run() -> None:
    log = await run(DIAMOND, limit=1)
    assert log == ["+base", "-base", "+left", "-left", "+right", "-right", "+top", "-top"]


async def test_a_failure_stops_only_what_needs_it() -> None:
    log = await run({**DIAMOND, "other": ("right",)}, limit=2, failing=frozenset({"left"}))
    assert "!top" in log
    assert "-right" in log
    assert "-other" in log
    assert "+top" not in log


async def test_a_node_waiting_for_its_needs_holds_no_slot() -> None:
    log = await run({"slow": (), "child": ("slow",), "free": ()}, limit=2)
    assert log[:2] == ["+slow", "+free"]


async def test_a_free_slot_goes_to_the_first_in_order_not_to_the_first_that_was_ready() -> None:
    # When `base` ends, only `child` and `tests` are ready; when `child` ends, `grandchild` is, later than `tests`.
    needs = {"base": (), "child": ("base",), "grandchild": ("child",), "tests": ("base",)}
    log = await run(needs, limit=1)
    assert [entry for entry in log if entry.startswith("+")] == ["+base", "+child", "+grandchild", "+tests"]


async def test_a_long_line_of_skipped_nodes_is_no_recursion() -> None:
    needs = {str(number): (str(number - 1),) if number else () for number in range(3000)}
    log = await run(needs, limit=1, failing=frozenset({"0"}))
    assert log[-1] == "!2999"


async def test_an_exception_ends_the_run() -> None:
    async def work(node: str, _: Mapping[str, str]) -> str:
        raise LookupError(node)

    with pytest.raises(ExceptionGroup) as caught:
        await run_graph(DIAMOND, work, skip=lambda *_: None, limit=2)
    assert [str(error) for error in caught.value.exceptions] == ["base"]
