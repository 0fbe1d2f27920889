"""GitHub annotations of what failed, as many as GitHub shows.

It shows ten of a kind for each step (actions/toolkit, docs/problem-matchers.md) and cuts a message after 4,096
characters (actions/runner 2.305.0), both in silence.
"""

from collections.abc import Iterator, Sequence

from ci.reports.problems import Problem, find_problems
from ci.results import RunReport
from ci.texts import printable, shorten

MOST = 10
LONGEST_MESSAGE = 4000
_LONGEST_PROPERTY = 255


def render_annotations(report: RunReport) -> str:
    """Return a line `::error …` for each of the ten failures that matter most; the tenth says how many more there are.

    Builds and the publication come first, then the first failure of each suite, then what else failed.
    """
    problems = _by_weight(find_problems(report))
    if len(problems) <= MOST:
        return "".join(f"{_line(problem)}\n" for problem in problems)
    shown = [_line(problem) for problem in problems[: MOST - 1]]
    more = len(problems) - len(shown)
    text = f"{more} more failures are not shown here. All are in report.html and junit.xml of the report."
    return "\n".join([*shown, _error("", 0, f"{more} more failures", text), ""])


def _by_weight(problems: Sequence[Problem]) -> Sequence[Problem]:
    seen: set[tuple[str, str]] = set()
    first: list[Problem] = []
    others: list[Problem] = []
    for problem in problems:
        suite = (problem.image, problem.suite)
        is_other = bool(problem.suite) and suite in seen
        seen.add(suite)
        (others if is_other else first).append(problem)
    return [*first, *others]


def _line(problem: Problem) -> str:
    what = f"{problem.suite} {problem.state}".lstrip()
    title = f"{problem.image}: {what}" if problem.image else f"{problem.subject} {problem.state}"
    return _error(problem.place, problem.line, title, "\n".join(_message(problem)))


def _message(problem: Problem) -> Iterator[str]:
    head = [problem.test, problem.command, problem.message]
    yield from filter(None, head)
    if problem.test:
        # The end of a traceback says what is wrong.
        room = LONGEST_MESSAGE - sum(map(len, head)) - len(head)
        text = printable(problem.output)
        yield text if len(text) <= room else f"…{text[-max(1, room - 1) :]}"


def _error(path: str, line: int, title: str, message: str) -> str:
    properties = {"file": path, "line": str(line or ""), "title": shorten(title, _LONGEST_PROPERTY)}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::error {shown}::{_data(shorten(printable(message), LONGEST_MESSAGE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
