"""What is in the images of a run, and whether they keep their budgets, as the lines of the page's tables."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from ci.contents.budgets import Verdict
from ci.reports.budgets import budget_rows, verdict_word
from ci.reports.manifests import page_path
from ci.reports.versions import version_lines
from ci.results import RunReport

_LOOKS: Mapping[Verdict, str] = {
    Verdict.OK: "good",
    Verdict.WARNED: "warn",
    Verdict.OVER: "bad",
    Verdict.ACCEPTED: "warn",
    Verdict.UNJUDGED: "calm",
}


class ContentsLine(NamedTuple):
    """The key versions of an image. `link` leads to all that is in it."""

    image: str
    versions: str
    notes: Sequence[str]
    link: str


class BudgetLine(NamedTuple):
    """The verdict on an image that is not simply within its budget."""

    image: str
    verdict: str
    look: str
    against: str
    sentences: Sequence[str]


def contents_lines(report: RunReport) -> Sequence[ContentsLine]:
    """Return what is known of the contents of each image."""
    return [
        ContentsLine(
            image=line.image,
            versions=", ".join(line.versions),
            notes=line.notes,
            link=quote(page_path(line.image)),
        )
        for line in version_lines(report)
    ]


def budget_lines(report: RunReport) -> Sequence[BudgetLine]:
    """Return the verdicts that say something."""
    return [
        BudgetLine(one.image, verdict_word(one.verdict), _LOOKS[one.verdict], one.against, sentences)
        for one, sentences in budget_rows(report.budgets)
    ]
