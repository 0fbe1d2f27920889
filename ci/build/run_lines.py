"""The lines of a run's log: when, which image, what, how long, and how much is done. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ci import units
from ci.errors import first_few
from ci.planning.plan import Plan
from ci.results import Failure, count_tests
from ci.suite_results import SuiteOutcome, SuiteReport
from ci.texts import last_lines, shorten

# Characters, of an image's name and of what was done.
_IMAGE_SHOWN = 30
_WHAT_SHOWN = 60


class LineFormat(NamedTuple):
    """How wide the column of images is."""

    width: int

    @classmethod
    def of_images(cls, names: Iterable[str]) -> "LineFormat":
        """Return the format for these images."""
        return cls(min(_IMAGE_SHOWN, max(map(len, names), default=0)))

    def event(self, now: float, image: str, what: str, took: str, done: str) -> str:
        """Return the line of something that has ended; `now` is seconds. `done` is how much is done, `9 of 23`."""
        return f"{self._begin(now, image, what)}  {took:>14}  [{done}]"

    def still_running(self, now: float, image: str, what: str, seconds: float) -> str:
        """Return the line of something that takes long."""
        return f"{self._begin(now, image, what)}  {units.seconds(seconds):>14}  still running"

    def _begin(self, now: float, image: str, what: str) -> str:
        whole = int(now)
        hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
        time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
        return f"{time}  {shorten(image, self.width):<{self.width}}  {what:<{_WHAT_SHOWN}}"


def heading(plan: Plan, *, steps: int, suites: int, jobs: int, started: str) -> str:
    """Return what a run begins with: how much there is to do, and what times count from."""
    parts = [f"{units.number(len(plan.to_build), 'image')} to build ({units.number(steps, 'instruction')})"]
    if plan.reused:
        parts.append(f"{units.number(len(plan.reused), 'image')} to reuse ({first_few(tuple(plan.reused))})")
    if suites:
        parts.append(f"{units.number(suites, 'suite')} of tests to run")
    return f"{', '.join(parts)}; {jobs} at once. Times are minutes and seconds since {started}."


def failure_lines(failure: Failure) -> Iterator[str]:
    """Yield what went wrong, where, and the end of the output, each line indented."""
    yield f"       {failure.location}: {failure.message}" if failure.location else f"       {failure.message}"
    yield from (f"       | {line}" for line in last_lines(failure.output)[0])


def step_text(command: str, line: int) -> str:
    """Return what is said of an instruction: its beginning, and its line in the image's Dockerfile."""
    place = f" (line {line})"
    return f"{shorten(command, _WHAT_SHOWN - len(place))}{place}"


def suite_text(suite: SuiteReport) -> str:
    """Return what is said of a suite that has run."""
    if suite.outcome is not SuiteOutcome.PASSED:
        return f"suite {suite.name}: {suite.why}"
    return f"suite {suite.name}: {count_tests([suite])}"
