"""Errors that a person can act on.

Every text says what happened, where, and what to do next. A failed build or test is not one of these errors, but an
outcome in the report (`ci.results`).
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence

_MAX_UNEXPECTED = 300
_NAMES_SHOWN = 3


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
        listed = "\n".join(f"  - {problem}" for problem in group_problems(self.problems))
        return f"The stack cannot be read, {len(self.problems)} problems:\n{listed}"


def group_problems(problems: Iterable[str]) -> Iterator[str]:
    """Return the problems, and one line for many that differ only in where they are."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        place, _, text = problem.partition(": ")
        places.setdefault(text or problem, []).append(place if text else "")
    for text, found in places.items():
        where = first_few(found)
        yield f"{where}: {text}" if where else text


class RequestError(StackError):
    """An argument of the call is invalid, or does not fit the stack, for example an unknown image name."""


class ExternalError(StackError):
    """An outside system (engine, registry, login node, git) failed, or refused a request."""


class EngineLostError(ExternalError):
    """The engine cannot be reached any more: nothing else can be done in this call."""


def leaf_errors(error: BaseException) -> Iterator[BaseException]:
    """Return the errors inside of exception groups, which task groups raise; or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaf_errors(inner)
    else:
        yield error


def describe_unexpected(error: BaseException) -> str:
    """Return a sentence for an unexpected error, without its traceback and without exception groups."""
    causes = dict.fromkeys(
        f"{type(one).__name__}: {' '.join(str(one).split())[:_MAX_UNEXPECTED]}" for one in leaf_errors(error)
    )
    return (
        f"an unexpected error ({'; '.join(causes)}). This is a bug in the pipeline, not in your stack: please open an "
        "issue in the repository of this module"
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question to append to an error, empty when no known word is similar."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def first_few(items: Sequence[str]) -> str:
    """Return the first three items and how many more there are; control characters are escaped."""
    shown = ", ".join(item if item.isprintable() else repr(item)[1:-1] for item in items[:_NAMES_SHOWN])
    return shown if len(items) <= _NAMES_SHOWN else f"{shown} +{len(items) - _NAMES_SHOWN}"
