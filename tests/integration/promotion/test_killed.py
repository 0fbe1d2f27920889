"""A client that is killed with SIGKILL between two writes of tags, and what the next command makes of it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import anyio
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.explain import explain_history
from ci.promotion.timeline import RecordStatus, Timeline
from ci.publish.attestations import RunRecord
from tests.integration.adapters.oci.faults import Reply, Request
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.published import FORMS, NAMES, STABLE, PublishedStack, digests_of

pytestmark = pytest.mark.anyio

State = Mapping[str, str | None]
ROOT = Path(__file__).parents[3]
A, B, C = "2026.4-aaaaaa1", "2026.4-bbbbbb2", "2026.4-cccccc3"
STABLE_TAGS = rf"/manifests/[a-z-]*(?:{STABLE}|stable)$"


class Killing:
    """Serves so many requests, one at a time; at the next one it kills the client, and serves none."""

    def __init__(self, writes: int) -> None:
        self._left = writes
        self._has_killed = False
        self._lock = threading.Lock()
        self.client: Future[int] = Future()

    def __call__(self, _request: Request, serve: Callable[[], Reply]) -> Reply | None:
        with self._lock:
            if not self._left:
                # Others of its requests may be waiting here. By then its number may be another process's, or none's.
                if not self._has_killed:
                    self._has_killed = True
                    os.kill(self.client.result(), signal.SIGKILL)
                return None
            self._left -= 1
            return serve()


@pytest.fixture(params=FORMS)
def stack(request: pytest.FixtureRequest, server: RegistryServer, registry: HttpRegistry) -> PublishedStack:
    return PublishedStack(registry, server.host, form=FORMS[request.param])


def statuses(timeline: Timeline) -> list[tuple[int, str]]:
    return [(entry.record.number, entry.status.value) for entry in timeline.entries]


async def killed(server: RegistryServer, stack: PublishedStack, writes: int, *words: str) -> None:
    """Run a client that is killed after it has written so many stable tags."""
    killing = Killing(writes)
    fault = server.fault("PUT", STABLE_TAGS, killing, times=100)
    command = [sys.executable, "-m", "tests.integration.promotion.client", server.host]
    form = next(name for name, form in FORMS.items() if form == stack.form)
    async with await anyio.open_process([*command, form, *words], cwd=ROOT, stdout=None, stderr=None) as process:
        killing.client.set_result(process.pid)
        assert await process.wait() == -signal.SIGKILL
    server.faults.remove(fault)


def changed(before: State, after: State) -> list[str]:
    return [name for name in NAMES if before[name] != after[name]]


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_rollback_undoes_a_promotion_that_was_killed(
    server: RegistryServer, stack: PublishedStack, writes: int
) -> None:
    a, _ = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await killed(server, stack, writes, "promote", B)
    assert len(changed(digests_of(a), await stack.digests())) == writes
    timeline = await stack.history()
    assert statuses(timeline) == [(2, "interrupted"), (1, "earlier")]
    (sentence,) = explain_history(timeline)
    assert sentence == (
        f"Record 2 (promotion of {B}) is unfinished: {writes} of 4 tags {'was' if writes == 1 else 'were'} updated, so "
        f"{STABLE} is not one whole stack. It is still running, or was interrupted: run `tag --tag {B}` to finish it, "
        f"or `rollback --tag {STABLE}` to undo it."
    )
    change = await stack.roll_back()
    assert f"This undoes it: {STABLE} goes back to {A} (record 1)." in change.notes[0]
    assert len([one for one in change.changes if one.old != one.new]) == writes
    assert await stack.digests() == digests_of(a)
    assert statuses(await stack.history()) == [(3, "now"), (2, "undone"), (1, "earlier")]
    await stack.roll_back()
    assert await stack.digests() == dict.fromkeys(NAMES)


@pytest.mark.parametrize("tag", [A, B, C])
async def test_any_promotion_completes_one_that_was_killed(
    server: RegistryServer, stack: PublishedStack, tag: str
) -> None:
    runs = {one: await stack.publish(one) for one in (A, B, C)}
    await stack.promote(runs[A])
    await killed(server, stack, 2, "promote", B)
    change = await stack.promote(runs[tag])
    assert change.notes[0].endswith("This promotion ends it.")
    assert await stack.digests() == digests_of(runs[tag])
    assert (await stack.history()).entries[0].status is RecordStatus.NOW
    await stack.roll_back()
    assert await stack.digests() == (dict.fromkeys(NAMES) if tag == A else digests_of(runs[A]))


async def test_a_first_promotion_that_was_killed_is_undone_to_no_tags(
    server: RegistryServer, stack: PublishedStack
) -> None:
    await stack.publish(A)
    await killed(server, stack, 2, "promote", A)
    change = await stack.roll_back()
    assert change.notes[0].endswith(f"{STABLE} goes back to no images.")
    assert await stack.digests() == dict.fromkeys(NAMES)


@pytest.mark.parametrize("again", ["rollback", "promote"])
async def test_a_rollback_that_was_killed_is_finished_or_replaced(
    server: RegistryServer, stack: PublishedStack, again: str
) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await stack.promote(b)
    await killed(server, stack, 1, "rollback", STABLE)
    timeline = await stack.history()
    assert statuses(timeline) == [(3, "interrupted"), (2, "earlier"), (1, "earlier")]
    assert f"run `rollback --tag {STABLE}` to finish it, or `tag` with the stack" in explain_history(timeline)[0]
    if again == "rollback":
        change = await stack.roll_back()
        assert (change.record.restores, change.record.source) == (1, A)
    else:
        await stack.promote(b)
    assert await stack.digests() == digests_of(a if again == "rollback" else b)
    await stack.roll_back()
    assert await stack.digests() == (dict.fromkeys(NAMES) if again == "rollback" else digests_of(a))


@pytest.mark.parametrize("writes", [1, 3, 4, 6])
async def test_several_tags_are_mended_each_by_its_own_history(
    server: RegistryServer, stack: PublishedStack, writes: int
) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a, "stable")
    await killed(server, stack, writes, "promote", B, "stable")
    sentences = [explain_history(await stack.history(tag)) for tag in (STABLE, "stable")]
    assert any(f"run `tag --tag {B} --also stable` to finish it" in one for (one,) in filter(None, sentences))
    if writes % 2:
        await stack.promote(b, "stable")
        assert await stack.digests() == await stack.digests("stable") == digests_of(b)
    for tag in (STABLE, "stable"):
        await back_to(stack, tag, a)


async def back_to(stack: PublishedStack, tag: str, run: RunRecord) -> None:
    """Roll back, where the tag is not at the run already: one rollback is enough."""
    if await stack.digests(tag) != digests_of(run):
        await stack.roll_back(tag=tag)
    assert await stack.digests(tag) == digests_of(run)


async def test_a_promotion_that_was_killed_before_its_first_tag_is_not_what_a_rollback_undoes(
    server: RegistryServer, stack: PublishedStack
) -> None:
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await stack.promote(b)
    await stack.publish(C)
    await killed(server, stack, 0, "promote", C)
    change = await stack.roll_back()
    assert change.notes == (
        f"Record 3 (promotion of {C}) never took effect, or was undone.",
        f"This undoes record 2 (promotion of {B}): {STABLE} goes back to {A} (record 1).",
    )
    assert await stack.digests() == digests_of(a)


async def test_images_that_left_the_stack_are_put_back_by_the_next_promotion(
    server: RegistryServer, stack: PublishedStack
) -> None:
    a = await stack.publish(A)
    await stack.promote(a)
    await stack.publish(B)
    await killed(server, stack, 3, "promote", B)
    smaller = stack.part(NAMES[:1])
    c = await smaller.publish(C)
    await smaller.promote(c)
    assert await stack.digests() == {**digests_of(a), **digests_of(c)}
    assert (await stack.history()).interrupted is None


async def test_an_interrupted_record_is_no_goal(server: RegistryServer, stack: PublishedStack) -> None:
    a, _ = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await killed(server, stack, 1, "promote", B)
    with pytest.raises(PromotionDeniedError, match=r"1 of 4 tags was updated.* Its history says"):
        await stack.roll_back("2")
    await stack.roll_back("1")
    assert await stack.digests() == digests_of(a)
