"""Kills every publishing and promoting command before and after every write, and prints what comes of it.

usage: python tests/e2e/crash_table.py [--command publish] [--kill client] [--when before] [--every 1]

The stack, the registry and the proxy are its own; the engine is the one that ./daggerw uses. What was tried is kept in
a file, and is not tried again by the same command: to resume, run it again; to begin anew, delete the file. A line is
printed for each point that leaves a problem, and at the end the table of all points and outcomes. Exits 1 if any
left a problem.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from tabulate import tabulate

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # as a script, this folder would hide modules

from tests.e2e.crash_check import Left, Outcome, Unreached, try_point  # noqa: E402
from tests.e2e.crash_proxy import Point, When  # noqa: E402
from tests.e2e.crash_stack import Command, CrashStack, crash_stack  # noqa: E402
from tests.e2e.killed_run import Victim  # noqa: E402

_LONGEST = 160  # characters of a problem that are shown; the file has all of it


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one kind: a command, who is killed, and when."""

    command: Command
    victim: Victim
    when: When

    def __str__(self) -> str:
        return f"{self.command}, {self.victim} killed {self.when}"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file: a point and its outcome, or that the case has no such point."""

    case: Case
    number: int
    outcome: Outcome | None
    writes: int = 0


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    cases = [
        Case(command=command, victim=victim, when=when)
        for command in options.command or Command
        for victim in options.kill or Victim
        for when in options.when or When
    ]
    tried = _read(options.results)
    if not options.print:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="crash-table-") as folder, crash_stack(Path(folder)) as stack:
            for case in cases:
                tried += _try_case(stack, case, options, [one for one in tried if one.case == case])
    print_table(one for one in tried if one.case in cases)
    return 1 if any(one.outcome and one.outcome.problems for one in tried if one.case in cases) else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", type=Command, action="append", choices=[*Command], help="may be repeated")
    parser.add_argument("--kill", type=Victim, action="append", choices=[*Victim], help="may be repeated")
    parser.add_argument("--when", type=When, action="append", choices=[*When], help="may be repeated")
    parser.add_argument("--every", type=int, default=1, help="try only every n-th write")
    parser.add_argument("--first", type=int, default=1, help="the first write to try")
    parser.add_argument("--results", type=Path, default=ROOT / "report" / "crash-table.jsonl")
    parser.add_argument("--print", action="store_true", help="print the table of what was tried, and try nothing")
    return parser.parse_args(arguments)


def _try_case(stack: CrashStack, case: Case, options: argparse.Namespace, before: Sequence[Tried]) -> list[Tried]:
    """Try the points that were not tried before, until the command ends before it comes to one."""
    known = {one.number: one for one in before}
    tried = []
    for number in itertools.count(options.first, options.every):
        if number not in known:
            known[number] = _try(stack, case, number)
            tried.append(known[number])
            with options.results.open("ab") as results:
                results.write(msgspec.json.encode(known[number]) + b"\n")
        if known[number].outcome is None:
            return tried
    raise AssertionError("a command that writes without end")


def _try(stack: CrashStack, case: Case, number: int) -> Tried:
    started = time.strftime("%H:%M:%S")
    outcome = try_point(stack, case.command, Point(case.when, number), case.victim)
    if isinstance(outcome, Unreached):
        _say(f"{started} {case} write {number}: it makes {outcome.writes}\n")
        return Tried(case=case, number=number, outcome=None, writes=outcome.writes)
    verdict = "\n  ".join([f"{len(outcome.problems)} problems", *map(_shorten, outcome.problems)])
    verdict = f"{verdict if outcome.problems else 'ok'} in {outcome.seconds:.0f} s"
    _say(f"{started} {case} write {number}, {outcome.request}: {outcome.left} ({outcome.state}), {verdict}\n")
    return Tried(case=case, number=number, outcome=outcome)


def _read(results: Path) -> list[Tried]:
    lines = results.read_bytes().splitlines() if results.exists() else []
    return [msgspec.json.decode(line, type=Tried) for line in lines]


def print_table(tried: Iterable[Tried]) -> None:
    """Print a row for each case. `built again` is how many images the repeats built; `problems` are of points."""
    by_case: dict[Case, list[Outcome]] = {}
    for one in tried:
        by_case.setdefault(one.case, [])
        if one.outcome:
            by_case[one.case].append(one.outcome)
    head = ("command", "killed", "when", "points", *Left, "mended by a repeat", "by another", "built again", "problems")
    rows = [(case.command, case.victim, case.when, *_numbers(outcomes)) for case, outcomes in by_case.items()]
    every = [outcome for outcomes in by_case.values() for outcome in outcomes]
    _say(f"\n{tabulate([*rows, ('all', '', '', *_numbers(every))], headers=head)}\n")
    problems = Counter(_shorten(problem) for outcome in every for problem in outcome.problems)
    for problem, number in problems.most_common():
        _say(f"{number} points: {problem}\n")


def _numbers(outcomes: Sequence[Outcome]) -> tuple[int | str, ...]:
    left = Counter(outcome.left for outcome in outcomes)
    repeated = sum(outcome.is_mended(0) for outcome in outcomes)
    others = [outcome for outcome in outcomes if len(outcome.mended) > 1]
    other = f"{sum(outcome.is_mended(1) for outcome in others)} of {len(others)}" if others else ""
    bad = sum(bool(outcome.problems) for outcome in outcomes)
    built = sum(outcome.mended[0].built for outcome in outcomes)
    return len(outcomes), *(left[one] for one in Left), f"{repeated} of {len(outcomes)}", other, built, bad


def _shorten(problem: str) -> str:
    return problem if len(problem) <= _LONGEST else f"{problem[: _LONGEST - 1]}…"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
