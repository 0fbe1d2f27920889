"""The errors a person can act on.

Every text says what happened, where, and what to do next. A failed build or test is not an error of this kind:
it is an outcome in the report (`ci.results`).
"""

from collections.abc import Sequence


class StackError(Exception):
    """Root of everything this project raises on purpose; its text is shown to the user as it is."""


class SpecError(StackError):
    """The stack itself is wrong: Dockerfiles, folders or stack.toml. Carries every problem found, not the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"The stack cannot be read: {self.problems[0]}"
        listed = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"The stack cannot be read, {len(self.problems)} problems:\n{listed}"


class RequestError(StackError):
    """An argument of the call does not fit the stack, for example a name that is no image."""


class ExternalError(StackError):
    """A system outside (engine, registry, login node, git) did not do what was asked of it."""
