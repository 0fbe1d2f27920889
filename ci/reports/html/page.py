"""A run as one static page: no script, no request, and nothing beside it but links into the report's folder."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from ci.reports.budgets import unjudged
from ci.reports.html.contents import budget_lines, contents_lines
from ci.reports.html.environment import make_environment
from ci.reports.html.failures import MOST_CARDS, Album, Card, make_cards
from ci.reports.html.images import SuitesOfImage, image_lines, references, suites_of_images
from ci.reports.html.timeline import Timeline, make_timeline
from ci.reports.problems import find_flaky, find_problems
from ci.reports.sizes import SizeRow, changes, size_rows
from ci.reports.text import describe_publication, render_verdict
from ci.results import RunReport

MOST_BYTES = 10_000_000
"""Of a whole page. What is behind a click is left out from the largest down until it fits."""
_ROOM = 20_000
"""Bytes for the sentences that say so."""


class _Piece(NamedTuple):
    """A part of the page that may be left out: its markup, and where else it can be read."""

    markup: Markup
    link: str


class _Details(NamedTuple):
    """The values that the pieces are made of."""

    cards: Sequence[Card]
    timeline: Timeline
    sizes: Sequence[SizeRow]
    suites: Sequence[SuitesOfImage]


def render_html(report: RunReport, pictures: Mapping[str, bytes] | None = None) -> str:
    """Return the page of a run. `pictures` are the report's PNG files by their paths in it; empty ones are linked."""
    environment = make_environment()
    problems = find_problems(report)
    album = Album(pictures or {})
    failed = make_cards(problems, "failure", album)
    flaky = make_cards(find_flaky(report), "flaky", album)
    suites = suites_of_images(report, [*failed, *flaky])
    details = _Details([*failed, *flaky], make_timeline(report), size_rows(report), suites)
    view = {
        "report": report,
        "verdict": render_verdict(report),
        "started": report.started.replace("T", " ").replace("+00:00", " UTC"),
        "failed": failed,
        "unseen": max(0, len(problems) - MOST_CARDS),
        "flaky": flaky,
        "timeline": details.timeline,
        "images": image_lines(report),
        "sizes": details.sizes,
        "looks": {segment.look for row in details.sizes for segment in row.segments},
        "changes": changes(report, report.baseline) if report.baseline else (),
        "suites": suites,
        "contents": contents_lines(report),
        "budgets": budget_lines(report),
        "unjudged": unjudged(report.budgets),
        "publication": describe_publication(report),
        "references": references(report.publication, report) if report.publication else (),
    }
    return _fitting(environment, view, _make_pieces(environment, details))


def _make_pieces(environment: Environment, details: _Details) -> Mapping[str, _Piece]:
    pieces = {f"output {card.anchor}": _Piece(_macro(environment, "output", card), card.log) for card in details.cards}
    pieces["tasks"] = _Piece(_macro(environment, "tasks", details.timeline.lines), "report.json")
    for row in details.sizes:
        link = f"logs/{row.name}/layers.json"
        pieces[f"layers {row.name}"] = _Piece(_macro(environment, "layers", row.layers), link)
    for suites in details.suites:
        pieces[f"tests {suites.name}"] = _Piece(_macro(environment, "tests", suites), "junit.xml")
    return pieces


def _fitting(environment: Environment, view: Mapping[str, object], pieces: Mapping[str, _Piece]) -> str:
    """Return the page without as many of the largest pieces as it takes to keep its limit."""
    page = environment.get_template("page.html.jinja")
    shown = {key: piece.markup for key, piece in pieces.items()}
    html = page.render(view, pieces=shown, left_out=0)
    surplus = len(html.encode()) - MOST_BYTES
    if surplus <= 0:
        return html
    left_out: dict[str, Markup] = {}
    for key, piece in sorted(pieces.items(), key=lambda item: len(item[1].markup), reverse=True):
        if surplus + _ROOM <= 0:
            break
        left_out[key] = _macro(environment, "left_out", piece.link)
        surplus -= len(piece.markup.encode()) - len(left_out[key])
    return page.render(view, pieces=shown | left_out, left_out=len(left_out))


def _macro(environment: Environment, name: str, *values: object) -> Markup:
    macro = getattr(environment.get_template("pieces.html.jinja").module, name)
    return Markup(macro(*values))  # noqa: S704 (a macro's output is escaped)
