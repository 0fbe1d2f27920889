"""One crash point: kill a command there, look at what is left, and have the next command mend it."""

import json
import re
import time
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tests.e2e.crash_proxy import Point
from tests.e2e.crash_stack import STABLE, Command, CrashStack, Said
from tests.e2e.killed_run import Victim
from tests.e2e.published_stack import TagState

_CONTENT = re.compile(r"[0-9a-f]{64}|(?<=uploads/).+|(?<=/k-)\w+|(?<=/s-)\w+")
_DIGEST = re.compile(r"sha256:\w+")
_NO_ENGINE = re.compile("engine|buildkit|session|dial|transport|unavailable", re.IGNORECASE)
_NEXT = {
    Command.PUBLISH: (Command.PUBLISH,),
    Command.REFRESH: (Command.REFRESH, Command.PUBLISH),
    Command.REBUILD: (Command.REBUILD, Command.PUBLISH),
    Command.TAG: (Command.TAG, Command.ROLLBACK),
    Command.ROLLBACK: (Command.ROLLBACK, Command.TAG),
}


class Left(StrEnum):
    """What a killed command left of the tags that it writes."""

    NOTHING = "nothing written"
    PARTLY = "partly written"
    COMPLETE = "complete"


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What the next command did. `state` is what its tag points to, `built` and `reused` numbers of images."""

    command: Command
    exit_code: int
    state: str
    built: int
    reused: int
    seconds: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a crash point. `problems` are sentences; without any, all is as it must be."""

    request: str
    exit_code: int
    left: Left
    state: str
    mended: tuple[Mended, ...]
    problems: tuple[str, ...]
    seconds: float

    def is_mended(self, number: int) -> bool:
        """Whether one of the commands that may come next ended with what it is to end with."""
        return self.mended[number].exit_code == 0 and self.mended[number].state in {"whole", "absent"}


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    """The command made fewer writes than the point's number, and so was not killed."""

    writes: int


def try_point(
    stack: CrashStack, command: Command, point: Point, victim: Victim, following: Sequence[Command] = ()
) -> Outcome | Unreached:
    """Kill a command at a point, and run each of the `following` commands on what that left.

    By default these are all that an operator may run next, the plain repeat first.
    """
    started = time.monotonic()
    stack.begin(command)
    tags = (stack.first, stack.second, STABLE)
    before = {tag: stack.reader.read(tag) for tag in tags}
    killed = stack.kill(command, point, victim)
    if not killed.hit:
        assert killed.exit_code == 0, killed.printed
        return Unreached(writes=killed.writes)
    after = {tag: stack.reader.read(tag) for tag in tags}
    target = stack.target(command)
    left = _left(before[target], after[target])
    problems = [f"{tag} was changed" for tag in tags if tag != target and after[tag] != before[tag]]
    if killed.exit_code == 0 and not after[target].is_whole:
        problems.append("the run ended green, and its tag is not whole")
    problems += _promotes(stack) if command.publishes and left is Left.PARTLY else []
    problems += [] if command.publishes else _history(stack)
    stack.save("killed")
    mended = []
    for number, one in enumerate(following or _NEXT[command]):
        if number:
            stack.load("killed")
        done, found = _mend(stack, one)
        if left is Left.PARTLY and not one.publishes:
            found += _history(stack)
        mended.append(done)
        problems += [f"then `{one}`: {problem}" for problem in found]
    return Outcome(
        request=_CONTENT.sub("…", killed.hit),
        exit_code=killed.exit_code,
        left=left,
        state=str(after[target]),
        mended=tuple(mended),
        problems=tuple(_DIGEST.sub("sha256:…", problem) for problem in problems),
        seconds=time.monotonic() - started,
    )


def _left(before: TagState, after: TagState) -> Left:
    if after == before:
        return Left.NOTHING
    changed = [image for image, digest in after.digests.items() if digest != before.digests[image]]
    return Left.COMPLETE if len(changed) == len(after.digests) and after.is_whole else Left.PARTLY


def _mend(stack: CrashStack, command: Command) -> tuple[Mended, list[str]]:
    started = time.monotonic()
    said = stack.run(command)
    seconds = time.monotonic() - started
    state = stack.reader.read(stack.target(command))
    problems = []
    if said.exit_code:
        problems.append(f"exit {said.exit_code}: {_error(said)}")
    elif not state.is_whole and not (command is Command.ROLLBACK and state.is_absent):
        problems.append("it ended green, and its tag is not whole")
    elif command is Command.TAG and state != stack.reader.read(stack.second):
        problems.append("the tag does not point to what was promoted")
    outcomes = said.outcomes
    return (
        Mended(
            command=command,
            exit_code=said.exit_code,
            state=str(state),
            built=outcomes["built"],
            reused=outcomes["reused"],
            seconds=seconds,
        ),
        problems,
    )


def _promotes(stack: CrashStack) -> list[str]:
    """Find out whether a stack whose tag was written for some of its images could be promoted."""
    said = stack.run(Command.TAG, "--dry-run")
    return ["the stack that is not whole could be promoted"] if said.exit_code == 0 else []


def _history(stack: CrashStack) -> list[str]:
    """Compare what `history` says with what the stable tag points to. Nobody else ever writes it here."""
    said = stack.call("history", "--tag", STABLE, "--as-json")
    if said.exit_code:
        return [f"history fails: {_error(said)}"]
    state = stack.reader.read(STABLE)
    standings = [(entry["standing"], entry["record"]) for entry in json.loads(said.printed)["entries"]]
    problems = []
    if any(standing == "moved since" for standing, _ in standings):
        problems.append("history says that the tag was moved without a record")
    now = [record for standing, record in standings if standing == "now"]
    if not state.is_whole and not state.is_absent and now:
        problems.append(f"history says that record {now[0]['number']} is in effect, and the tag is not whole")
    if (state.is_whole or state.is_absent) and not now:
        problems.append("history says of no record that it is in effect, and the tag is whole")
    for record in now:
        recorded = {move["image"]: move["new"] for move in record["moves"]}
        if recorded != state.digests:
            problems.append(f"history says that record {record['number']} is in effect, which has other digests")
    return problems


def _error(said: Said) -> str:
    """Return what the command gave as its error, in one line. Raises AssertionError if it never came to run."""
    text = said.errors.rpartition("Error: ")[2] or said.errors[-500:]
    text = " ".join(text.partition("[traceparent")[0].split())
    assert text.startswith(("datahub:", "call function")) or not _NO_ENGINE.search(text), said.errors
    return text
