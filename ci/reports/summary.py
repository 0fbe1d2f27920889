"""A run as Markdown for GitHub's summary of a job: failures first, then the images and what is in them."""

from collections.abc import Iterator

from ci.reports.budgets import budget_rows, unjudged, verdict_word
from ci.reports.markdown import bounded, code, fence, table
from ci.reports.problems import Problem, find_flaky, find_problems
from ci.reports.sizes import changes
from ci.reports.text import describe_publication, parents_of, render_verdict, run_row
from ci.reports.tree import draw_tree
from ci.reports.versions import version_lines
from ci.results import RunReport
from ci.texts import last_lines

_MOST_PROBLEMS = 50
_NOT_ITS_OWN = "\u2003"
"""An em space for each level of the tree: Markdown drops others."""


def render_summary(report: RunReport) -> str:
    """Return the summary of a run, at most a million bytes of it."""
    return bounded(_lines(report))


def _lines(report: RunReport) -> Iterator[str]:
    yield f"## {'❌' if report.exit_code else '✅'} {render_verdict(report)}"
    problems = find_problems(report)
    if problems:
        yield "\n### What failed"
    for problem in problems[:_MOST_PROBLEMS]:
        yield from _problem(problem)
    if len(problems) > _MOST_PROBLEMS:
        yield f"\n{len(problems) - _MOST_PROBLEMS} more failures are in `report.html` and `junit.xml` of the report."
    flaky = find_flaky(report)
    if flaky:
        yield "\n### Flaky: failed, and passed when run again\n"
        yield from (f"- {_subject(problem)}" for problem in flaky[:_MOST_PROBLEMS])
    yield from _publication(report)
    yield from _images(report)
    yield from _changes(report)
    yield from _budgets(report)
    yield from _versions(report)


def _problem(problem: Problem) -> Iterator[str]:
    yield f"\n**{_subject(problem)} {problem.state}**"
    where = [code(problem.location), code(problem.command)]
    if any(where):
        yield "\n" + " — ".join(filter(None, where))
    if problem.message:
        # One line of code each: a message may have several.
        yield "\n" + "<br>".join(filter(None, (code(line) for line in problem.message.splitlines())))
    lines, left_out = last_lines(problem.output)
    if lines:
        yield "\n" + fence(lines)
    if left_out:
        yield f"\nThese are the last {len(lines)} of {len(lines) + left_out} lines; all are in {code(problem.log)}."


def _subject(problem: Problem) -> str:
    image = problem.image if problem.image != problem.subject else ""
    return " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(filter(None, [code(image), code(problem.subject)]))


def _publication(report: RunReport) -> Iterator[str]:
    published = report.publication
    if published and not published.failure:
        yield "\n### Publication"
        for paragraph in describe_publication(report):
            yield "\n" + "<br>".join(code(line) for line in paragraph.splitlines())


def _images(report: RunReport) -> Iterator[str]:
    plans, images = {plan.name: plan for plan in report.plan.images}, report.by_name
    yield "\n### Images\n"
    rows = []
    for name, label in draw_tree(parents_of(report.plan)):
        row = run_row(plans[name], images[name], name)
        indent = _NOT_ITS_OWN * (len(label) - len(name))
        rows.append((indent + code(name), row.result, row.tests, row.seconds, row.size, code(row.why)))
    yield from table(("image", "result", "tests", "time:", "size:", "why"), rows)
    yield from (f"\n{code(note)}" for note in report.plan.notes)


def _changes(report: RunReport) -> Iterator[str]:
    baseline = report.baseline
    if baseline is None:
        return
    yield f"\n### Sizes against {code(baseline.tag)}\n"
    if baseline.problem:
        yield f"Not all of it could be read: {code(baseline.problem)}\n"
    rows = [
        (code(one.name), one.then, one.now, f"{one.change} {one.trend}".strip(), one.shared, one.download)
        for one in changes(report, baseline)
    ]
    yield from table(("image", "stable:", "now:", "change:", "same layers:", "new to download:"), rows) if rows else ()


def _budgets(report: RunReport) -> Iterator[str]:
    rows = [
        (code(one.image), verdict_word(one.verdict), code(one.against), "<br>".join(map(code, sentences)))
        for one, sentences in budget_rows(report.budgets)
    ]
    sentences = unjudged(report.budgets)
    if rows or sentences:
        yield "\n### Budgets\n"
        yield from table(("image", "verdict", "against", "why"), rows) if rows else ()
        yield from (f"\n{code(sentence)}" for sentence in sentences)


def _versions(report: RunReport) -> Iterator[str]:
    rows = [
        (code(line.image), "<br>".join(filter(None, (code(", ".join(line.versions), 2000), *map(code, line.notes)))))
        for line in version_lines(report)
    ]
    if rows:
        yield "\n### Key versions\n"
        yield from table(("image", "versions"), rows)
