"""The images of a run, their suites and their references, as the lines of the page's tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from ci import units
from ci.reports.html.failures import Card
from ci.reports.problems import build_log, suite_log
from ci.reports.text import BRANCH, RunRow, parents_of, run_row
from ci.reports.tree import draw_tree
from ci.results import ImageReport, Outcome, Publication, RunReport, count_tests
from ci.suite_results import SuiteReport, TestOutcome

_LOOKS: Mapping[Outcome, str] = {
    Outcome.BUILT: "good",
    Outcome.REUSED: "calm",
    Outcome.TESTS_FAILED: "bad",
    Outcome.OVER_BUDGET: "bad",
    Outcome.NOT_UPLOADED: "bad",
    Outcome.FAILED: "bad",
    Outcome.BLOCKED: "blocked",
    Outcome.MISSING: "bad",
    Outcome.DISABLED: "calm",
}


class ImageLine(NamedTuple):
    """An image as a line of the tree: its depth, its words, how it looks, and its log, if it has one."""

    depth: int
    name: str
    row: RunRow
    look: str
    log: str


class TestLine(NamedTuple):
    """A test in words. `anchor` is that of its card, which has its text; or empty."""

    name: str
    outcome: str
    seconds: str
    text: str
    anchor: str


class SuiteView(NamedTuple):
    """A suite with its tests."""

    suite: SuiteReport
    counts: str
    seconds: str
    log: str
    tests: Sequence[TestLine]


class SuitesOfImage(NamedTuple):
    """The suites of an image. `state` is a word."""

    name: str
    counts: str
    ok: bool
    suites: Sequence[SuiteView]


class ReferenceLine(NamedTuple):
    """Where one image was published."""

    image: str
    reference: str
    digest: str
    what: str


def image_lines(report: RunReport) -> Sequence[ImageLine]:
    """Return the images as a tree, from top to bottom."""
    plans, images = {plan.name: plan for plan in report.plan.images}, report.by_name
    return [
        ImageLine(
            depth=(len(label) - len(name)) // BRANCH,
            name=name,
            row=run_row(plans[name], images[name], name),
            look=_LOOKS[images[name].outcome],
            log="" if images[name].outcome is Outcome.DISABLED else quote(build_log(name)),
        )
        for name, label in draw_tree(parents_of(report.plan))
    ]


def suites_of_images(report: RunReport, cards: Iterable[Card]) -> Sequence[SuitesOfImage]:
    """Return the suites of each image that has some. The text of a test is on its card, and only there."""
    anchors = {(card.problem.image, card.problem.suite, card.problem.test): card.anchor for card in cards}
    return [_of_image(image, anchors) for image in report.images if image.suites]


def _of_image(image: ImageReport, anchors: Mapping[tuple[str, str, str], str]) -> SuitesOfImage:
    return SuitesOfImage(
        name=image.name,
        counts=count_tests(image.suites),
        ok=image.outcome is not Outcome.TESTS_FAILED,
        suites=[
            SuiteView(
                suite=suite,
                counts=count_tests([suite]),
                seconds=units.seconds(suite.seconds),
                log=quote(suite_log(image.name, suite)),
                tests=[
                    TestLine(
                        name=test.name,
                        outcome=test.outcome,
                        seconds=units.seconds(test.seconds),
                        text=test.text if test.outcome in {TestOutcome.SKIPPED, TestOutcome.XFAILED} else "",
                        anchor=anchors.get((image.name, suite.name, test.name), ""),
                    )
                    for test in suite.tests
                ],
            )
            for suite in image.suites
        ],
    )


def references(publication: Publication, report: RunReport) -> Sequence[ReferenceLine]:
    """Return the references of all images that have the stack's tag."""
    written, unchanged = frozenset(publication.written), frozenset(publication.unchanged)
    return [
        ReferenceLine(
            image=image.name,
            reference=publication.variants.get(image.name, f"{publication.registry}/{image.name}:{publication.tag}"),
            digest=image.digest or "",
            what="written" if image.name in written else "already there",
        )
        for image in report.images
        if image.name in written | unchanged
    ]
