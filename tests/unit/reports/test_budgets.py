"""Budgets as they are shown: on the terminal, in the summary, in annotations and on the page."""

from msgspec.structs import replace

from ci.build.outcomes import with_budgets
from ci.contents.budgets import ImageVerdict, Verdict
from ci.reports.annotations import render_annotations
from ci.reports.html.page import render_html
from ci.reports.summary import render_summary
from ci.reports.text import render_run
from ci.results import RunReport
from tests.unit.reports import runs, verdicts
from tests.unit.reports.test_page import Page

GREW = "files: 1.0 GB -> 1.2 GB (+20 %, +200 MB; its budget is 10 %)"
TORCH = "the packages that grew most: pip torch +180 MB (2.15.0, new)"


def judged(*found: ImageVerdict) -> RunReport:
    """Return a run that is green but for the verdicts on its images."""
    return with_budgets(replace(runs.green(), budgets=()), found)


def test_what_is_over_its_budget_is_a_failure_everywhere() -> None:
    report = judged(verdicts.OVER)
    assert report.exit_code == 1
    text, summary, page = render_run(report), render_summary(report), Page(render_html(report)).text
    assert "  OVER BUDGET\n" in text
    assert "1 over budget" in text
    for shown in (text, summary, page):
        assert GREW in shown
        assert TORCH in shown
        assert '--accept-growth "why"' in shown
    assert summary.index("### What failed") < summary.index("**`base-notebook` OVER BUDGET**") < summary.index(GREW)
    assert page.index("What failed") < page.index(GREW) < page.index("Critical path")
    assert render_annotations(report).startswith(
        "::error title=base-notebook%3A OVER BUDGET::Against 2026.4-stable:%0A"
    )


def test_what_is_over_its_budget_is_described_once() -> None:
    report = judged(verdicts.OVER)
    for shown in (render_run(report), render_summary(report), render_html(report)):
        assert shown.count("the packages that grew most") == 1


def test_a_warning_and_what_was_accepted_are_shown_in_a_green_run() -> None:
    report = judged(replace(verdicts.WARNED, image="r-notebook"), verdicts.ACCEPTED)
    assert report.exit_code == 0
    text, summary, page = render_run(report), render_summary(report), Page(render_html(report)).text
    assert "r-notebook: warned, against 2026.4-stable\n" in text
    assert "accepted: the course needs torch" in text
    assert "Make it smaller" not in text
    assert "| `r-notebook` | warned | `2026.4-stable` | `files: 1.0 GB" in summary
    assert "<br>`accepted: the course needs torch` |" in summary
    assert "pip pandas +60 MB (2.3 -> 2.15.0)" in page
    assert "What failed" not in summary + page


def test_what_was_not_judged_is_said_with_its_reason_once() -> None:
    report = judged(*(verdicts.unjudged(name) for name in ("base-notebook", "datascience")))
    for shown in (render_run(report), render_summary(report), Page(render_html(report)).text):
        assert shown.count("No budget was judged: There is no 2026.4-stable yet.") == 1
    assert "accepted" not in render_summary(report)


def test_what_keeps_its_budget_says_nothing() -> None:
    report = judged(verdicts.verdict("datascience", Verdict.OK, new=10**9, growths=(), grown=()))
    for shown in (render_run(report), render_summary(report), Page(render_html(report)).text):
        assert "udget" not in shown


def test_names_of_packages_are_text() -> None:
    odd = tuple(verdicts.grown(name, 1000) for name in runs.PLANTED)
    report = judged(replace(verdicts.WARNED, grown=odd), replace(verdicts.OVER, grown=odd, problem=runs.PLANTED[0]))
    page = Page(render_html(report))
    assert {tag for tag, _ in page.elements} & {"script", "svg", "img"} == set()
    assert runs.PLANTED[0] in page.text
    rows = [line for line in render_summary(report).splitlines() if line.startswith("| `datascience` | warned")]
    assert len(rows) == 1
