"""Commands that are killed between two writes, on a real registry: a sample of what crash_table.py does at every write.

After each, the next command leaves a whole stack.
"""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.crash_check import Left, Outcome, try_point
from tests.e2e.crash_proxy import Point, When
from tests.e2e.crash_stack import STABLE, Command, CrashStack, crash_stack
from tests.e2e.killed_run import Victim

UPLOAD, ATTESTATION, CACHE_TAG = "manifests/s-", "manifests/sha256-", "manifests/k-"
STACK_TAG, STABLE_TAG = "manifests/2026.4-", "manifests/2026.4-stable"
HISTORY = "manifests/2026.4-stable.history"
SAMPLE = [
    (Command.PUBLISH, Point(When.BEFORE, 3, UPLOAD), Victim.CLIENT, Left.NOTHING, Command.PUBLISH),
    (Command.PUBLISH, Point(When.AFTER, 2, ATTESTATION), Victim.MODULE, Left.NOTHING, Command.PUBLISH),
    (Command.PUBLISH, Point(When.BEFORE, 3, STACK_TAG), Victim.CLIENT, Left.PARTLY, Command.PUBLISH),
    (Command.REBUILD, Point(When.BEFORE, 2, CACHE_TAG), Victim.CLIENT, Left.NOTHING, Command.PUBLISH),
    # The first four of these are the histories, which are written before the tags.
    (Command.TAG, Point(When.BEFORE, 6, STABLE_TAG), Victim.CLIENT, Left.PARTLY, Command.ROLLBACK),
    (Command.TAG, Point(When.BEFORE, 7, STABLE_TAG), Victim.MODULE, Left.PARTLY, Command.TAG),
    (Command.ROLLBACK, Point(When.BEFORE, 8, STABLE_TAG), Victim.CLIENT, Left.PARTLY, Command.ROLLBACK),
    (Command.ROLLBACK, Point(When.AFTER, 4, HISTORY), Victim.MODULE, Left.NOTHING, Command.ROLLBACK),
]


@pytest.fixture(scope="module")
def stack(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashStack]:  # noqa: ARG001 (it must be up)
    with crash_stack(tmp_path_factory.mktemp("crashes")) as published:
        yield published


@pytest.mark.parametrize(
    ("command", "point", "victim", "left", "following"),
    SAMPLE,
    ids=[f"{command}-{point}-{victim}" for command, point, victim, *_ in SAMPLE],
)
def test_the_next_command_mends_it(  # noqa: PLR0913, PLR0917 (all parameters are of the sample)
    stack: CrashStack, command: Command, point: Point, victim: Victim, left: Left, following: Command
) -> None:
    if victim is Victim.MODULE and os.geteuid():
        pytest.skip("only root may kill a process in the engine")
    outcome = try_point(stack, command, point, victim, [following])
    assert isinstance(outcome, Outcome), f"{command} makes fewer writes"
    assert not outcome.problems, f"{outcome.state}\n" + "\n".join(outcome.problems)
    assert outcome.left is left


def test_a_mixed_stack_is_seen(stack: CrashStack) -> None:
    stack.load("second is stable")
    older = stack.reader.read(stack.first).digests["base"]
    stack.link("base", STABLE).write_text(older or "")
    state = stack.reader.read(STABLE)
    assert not state.is_whole
    assert state.mixed == tuple(f"{image} was built on another base (base.digest, layers)" for image in ("ds", "r"))
    stack.link("ml", STABLE).unlink()
    assert "missing: ml" in str(stack.reader.read(STABLE))
