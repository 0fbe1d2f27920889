"""The errors a person can act on.

Every text says what happened, where, and what to do next. A failed build or test is not an error of this kind:
it is an outcome in the report (`ci.results`).
"""

import difflib
from collections.abc import Iterable, Sequence


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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question to append to an error, or nothing when no known word is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


class PromotionDeniedError(StackError):
    """Nothing was written, for every one of these reasons. `what` says in a few words what was not done."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{what}, and nothing was written:\n{listed}")
        self.problems = tuple(problems)
