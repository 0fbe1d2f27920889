"""How a run shows what it does, as protocols. `ci.adapters` implements them; tests have small classes."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ci.suite_results import TestResult


class Span(Protocol):
    """Something that is being done: a piece of work, or a group of them."""

    def fail(self, why: str) -> None:
        """Show it as failed."""
        ...

    def end(self) -> None:
        """Show that it has ended. A piece of work ends by itself."""
        ...


class Progress(Protocol):
    """Shows a run as a tree of spans while it goes on, and its log as lines."""

    def group(self, name: str) -> Span:
        """Show a group, such as an image, in which work is done until it is ended."""
        ...

    def work(self, name: str, group: Span | None = None) -> AbstractContextManager[Span]:
        """Show a piece of work for as long as the context is open; what the engine does meanwhile is hidden."""
        ...

    def suite(self, name: str, group: Span | None = None) -> AbstractContextManager[Span]:
        """Show a piece of work that is a suite of tests."""
        ...

    async def show_tests(self, suite: Span, tests: Sequence[TestResult]) -> None:
        """Show the tests of a suite that has run."""
        ...

    def line(self, text: str) -> None:
        """Add lines to the log."""
        ...
