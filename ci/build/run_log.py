"""The live log of a run: spans in a tree, and a line for each event that a person wants to know of."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import anyio

from ci import units
from ci.build.progress import Progress, Span
from ci.build.run_lines import LineFormat, failure_lines
from ci.build.tasks import Task
from ci.results import Failure

# Seconds. Most instructions and fetches that take less were in the cache; they are counted, and in the report.
_QUICK = 1.0
# Seconds after which a line says that something is still running; then each time it has taken twice as long, but at
# least every ten minutes: CI services end jobs that are silent for longer.
_FIRST_REMINDER = 60.0
_MOST_BETWEEN = 600.0
_CHECK = 5.0


class Work:
    """One piece of work. When it ends, the log has a line of it, with the text `what`; not if `quiet` and quick."""

    def __init__(self, image: str, what: str, span: Span, started: float) -> None:
        self.image = image
        self.what = what
        self.span = span
        self.started = started
        self.quiet = False
        self.why = ""
        self.failure: Failure | None = None
        self.remind_at = started + _FIRST_REMINDER

    def fail(self, why: str, failure: Failure | None = None) -> None:
        """Show it as failed; the log has where, and the end of the output, of a failure that is given."""
        self.span.fail(why)
        self.why = why
        self.failure = failure


class RunLog:
    """Writes the log. `sizes` says how many pieces of work each task is, `now` the seconds since the run started."""

    def __init__(self, progress: Progress, now: Callable[[], float], sizes: Mapping[Task, int]) -> None:
        self.progress = progress
        self._now = now
        self._sizes = sizes
        self._total = sum(sizes.values())
        self._done = 0
        self._running: list[Work] = []
        self._groups: dict[str, Span] = {}
        self._format = LineFormat.of_images(task.image for task in sizes)
        self._tasks_left = Counter(task.image for task in sizes)

    def lines(self, lines: Iterable[str]) -> None:
        """Add lines that are no event."""
        self.progress.line("\n".join(lines))

    @contextmanager
    def work(self, image: str, what: str, *, is_suite: bool = False) -> Iterator[Work]:
        """Show a piece of work for as long as the context is open, and then its line."""
        show = self.progress.suite if is_suite else self.progress.work
        with show(what, self._group(image)) as span:
            work = Work(image, what, span, self._now())
            self._running.append(work)
            try:
                yield work
            finally:
                self._running.remove(work)
        self._end(work)

    def _end(self, work: Work) -> None:
        self._done += 1
        if work.why and work.image:
            self._groups[work.image].fail(work.why)
        seconds = self._now() - work.started
        if work.quiet and seconds < _QUICK and not work.why:
            return
        took = f"FAILED {units.seconds(seconds)}" if work.why else units.seconds(seconds)
        line = self._format.event(self._now(), work.image, work.what, took, f"{self._done} of {self._total}")
        self.lines([line, *(failure_lines(work.failure) if work.failure else ())])

    def task_ended(self, task: Task, worked: int) -> None:
        """Take note that a task has ended, or was skipped, after so many of its pieces of work."""
        self._done += self._sizes[task] - worked
        self._tasks_left[task.image] -= 1
        if not self._tasks_left[task.image] and task.image in self._groups:
            self._groups.pop(task.image).end()

    @asynccontextmanager
    async def reminders(self) -> AsyncIterator[None]:
        """Say now and then what is still running, for as long as the context is open."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._remind)
            yield
            tasks.cancel_scope.cancel()

    async def _remind(self) -> None:
        while True:
            await anyio.sleep(_CHECK)
            self.remind()

    def remind(self) -> None:
        """Write a line for each piece of work that has been running for long since the last one."""
        now = self._now()
        for work in [one for one in self._running if now >= one.remind_at]:
            taken = now - work.started
            self.lines([self._format.still_running(now, work.image, work.what, taken)])
            work.remind_at = now + min(taken, _MOST_BETWEEN)

    def _group(self, image: str) -> Span | None:
        if image and image not in self._groups:
            self._groups[image] = self.progress.group(image)
        return self._groups.get(image)
