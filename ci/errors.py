"""Errors that a person can act on.

Every text says what happened, where, and what to do next. A failed build or test is not one of these errors, but an
outcome in the report (`ci.results`).
"""

import difflib
from collections.abc import Iterable, Sequence


class StackError(Exception):
    """Base of all errors that this project raises on purpose. The text is shown to the user as it is."""


class SpecError(StackError):
    """The stack is invalid: Dockerfiles, folders or stack.toml. Has every problem found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"The stack cannot be read: {self.problems[0]}"
        listed = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"The stack cannot be read, {len(self.problems)} problems:\n{listed}"


class RequestError(StackError):
    """An argument of the call is invalid, or does not fit the stack, for example an unknown image name."""


class ExternalError(StackError):
    """An outside system (engine, registry, login node, git) failed, or refused a request."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question to append to an error, empty when no known word is similar."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


class PromotionDeniedError(StackError):
    """A promotion or rollback was refused for all these reasons, and nothing was written. `what` was not done."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{what}, and nothing was written:\n{listed}")
        self.problems = tuple(problems)
