"""The page of a run, as HTML: what is on it, in which order, and what cannot get onto it."""

from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from jinja2 import UndefinedError
from msgspec.structs import replace
from typing_extensions import override

from ci.planning.plan import Plan
from ci.reports.html.environment import make_environment
from ci.reports.html.page import MOST_BYTES, render_html
from ci.reports.text import render_verdict
from ci.results import Failure, ImageReport, Outcome, Publication, RunReport
from ci.stack.image import SuiteKind
from ci.suite_results import TestOutcome, TestResult
from tests.unit.reports import runs
from tests.unit.reports.plans import planned


class Page(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and the text of all but the style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self._in_style = False
        self.feed(html)
        self.text = "".join(self._texts)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._in_style = tag == "style"

    @override
    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    @override
    def handle_data(self, data: str) -> None:
        self._texts.append("" if self._in_style else data)

    def all(self, tag: str) -> Sequence[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def failed_build(output: str, **changes: object) -> RunReport:
    """Return a run of one image whose build failed with an output."""
    failure = Failure(
        path="images/r/Dockerfile", line=7, instruction="RUN make", message="exit code 2", exit_code=2, output=output
    )
    image = ImageReport(name="r", outcome=Outcome.FAILED, failure=failure)
    report = RunReport(plan=Plan(images=(planned("r"),)), images=(image,), started="T", seconds=5, jobs=1)
    return replace(report, **changes)


def test_a_red_run_says_all_in_order() -> None:
    page = Page(render_html(runs.RED))
    places = [
        page.text.index(words)
        for words in (
            render_verdict(runs.RED),
            "images/r-notebook/Dockerfile:7",
            "RUN apt-get install --yes r-cran-tidyvrese",
            "E: Unable to locate package r-cran-tidyvrese",
            "Not built because of it: rstudio.",
            "Critical path: base-notebook 1 min 04 s → datascience 1 min 43 s. On it, 18 s were spent waiting",
            "its Dockerfile changed in 3f1c2d9",
            "6 passed, 1 skipped, 1 failed as expected, 1 flaky, 1 failed",
            "582 MB to download",
            "Who has the image of 2026.4-stable",
            "test_gpu.py::test_driver no GPU on this machine",
            "pandas 3.0.1",
            "as described under What failed",
        )
    ]
    assert places == sorted(places)


def test_the_end_of_an_output_is_shown_more_of_it_behind_a_click_and_all_behind_a_link() -> None:
    html = render_html(failed_build("".join(f"line {number}\n" for number in range(1, 1001))))
    before, _, after = html.partition("</details>")
    assert "line 800\n" not in html
    assert "line 801\n" in before
    assert "line 970\n" in before
    assert "line 971\n" not in before
    assert after.index("line 971\n") < after.index("line 1000\n")
    assert '800 more lines before these are in <a href="logs/r/build.log">' in before


def test_the_text_of_a_failed_test_is_there_once_and_its_place_in_the_list_leads_to_it() -> None:
    html = render_html(runs.RED)
    page = Page(html)
    assert page.text.count("Server error' == 'JupyterLab") == 1
    links = {link["href"] for link in page.all("a")}
    targets = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    assert {link for link in links if link.startswith("#")} <= targets
    assert {"#failure-3", "#flaky-1"} <= links


def test_planted_markup_is_text() -> None:
    names = (*runs.PLANTED, "\x1b]8;;https://evil.test\x07link\x1b]8;;\x07 \x1b[31mred\x1b[0m \0nul \u202eevil")
    tests = tuple(TestResult(name=name, outcome=TestOutcome.FAILED, text=name) for name in names)
    image = ImageReport(
        name="base", outcome=Outcome.TESTS_FAILED, suites=(runs.suite("base", SuiteKind.IMAGE, *tests),)
    )
    failed = failed_build("\n".join(names))
    plan = Plan(images=(planned("r", reason=names[0]), planned("base", reason=names[1])), notes=names)
    html = render_html(replace(failed, plan=plan, images=(*failed.images, image), commit=names[0], changed=names))
    page = Page(html)
    assert {tag for tag, _ in page.elements} & {"script", "svg", "img", "iframe", "object", "form", "link", "b"} <= {
        "b"
    }
    assert [attributes for tag, attributes in page.elements if any(name.startswith("on") for name in attributes)] == []
    hrefs = [attributes["href"] for attributes in page.all("a")]
    assert [href for href in hrefs if not href.startswith(("#", "logs/", "junit.xml"))] == []
    for name in runs.PLANTED:
        assert page.text.count(name) >= 3, name
    assert "49" not in page.text
    assert "link red nul evil" in page.text
    assert not any(one in html for one in ("\x1b", "\0", "\u202e", "8;;"))


def test_the_policy_allows_styles_and_data_pictures_only() -> None:
    page = Page(render_html(runs.RED))
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, attributes in page.elements if tag == "th" and "scope" not in attributes] == []


def test_headings_are_in_order() -> None:
    levels = [int(tag[1]) for tag, _ in Page(render_html(runs.RED)).elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_line_of_10_mb_and_progress_bars_are_cut() -> None:
    html = render_html(failed_build("\x00" * 10 + "x" * 10_000_000 + "\n10 %\r50 %\r100 %\r\n"))
    assert len(html) < 40_000
    assert "100 %" in html
    assert "50 %" not in html


PNG = runs.png(8, 8)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        pytest.param(PNG, True, id="png"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", False, id="svg"),
        pytest.param(b"", False, id="not read"),
        pytest.param(PNG + bytes(500_000), False, id="too large"),
    ],
)
def test_only_small_png_pictures_are_part_of_the_page(content: bytes, shown: bool) -> None:  # noqa: FBT001 (a table)
    page = Page(render_html(runs.RED, {runs.PICTURE: content}))
    pictures = page.all("img")
    assert [picture["src"].startswith("data:image/png;base64,iVBOR") for picture in pictures] == [True] * shown
    link = "logs/base-notebook/base-notebook-server/test_launcher%5Bchromium%5D.png"
    assert link in {attributes["href"] for attributes in page.all("a")}
    assert "svg" not in {tag for tag, _ in page.elements}


def many_failed(number: int) -> RunReport:
    """Return a run with so many failed tests of one suite."""
    tests = tuple(
        TestResult(name=f"test_a.py::test_{n}", outcome=TestOutcome.FAILED, text="T" * 1000) for n in range(number)
    )
    image = ImageReport(name="a", outcome=Outcome.TESTS_FAILED, suites=(runs.suite("a", SuiteKind.SERVER, *tests),))
    return RunReport(plan=Plan(images=(planned("a"),)), images=(image,), started="T", seconds=5, jobs=1)


def test_at_most_twenty_pictures_of_eight_megabytes_together_are_part_of_the_page() -> None:
    names = [f"logs/a/a-server/test_{number}.png" for number in range(25)]
    assert len(Page(render_html(many_failed(25), dict.fromkeys(names, PNG))).all("img")) == 20
    heavy = PNG + bytes(499_000)
    assert len(Page(render_html(many_failed(25), dict.fromkeys(names, heavy))).all("img")) == 12  # of 665,554 bytes


def test_of_many_failures_the_others_are_counted() -> None:
    page = Page(render_html(many_failed(203)))
    assert len(page.all("article")) == 200
    assert "3 more failures are below, in Tests" in page.text


def test_a_page_that_is_too_large_leaves_out_the_largest_details_and_says_so() -> None:
    tests = tuple(runs.passed(f"test_that_is_called_at_length[{number:070}]") for number in range(40_000))
    images = tuple(
        ImageReport(name=name, outcome=Outcome.BUILT, suites=(runs.suite(name, SuiteKind.IMAGE, *some),))
        for name, some in (("small", tests[:100]), ("large", tests), ("larger", (*tests, *tests)))
    )
    plan = Plan(images=tuple(planned(image.name) for image in images))
    html = render_html(RunReport(plan=plan, images=images, started="T", seconds=5, jobs=1))
    assert len(html.encode()) <= MOST_BYTES
    assert "1 detail is left out, because the page would be larger than 10 MB." in html
    assert html.count("Left out here") == 1
    assert html.count("test_that_is_called_at_length") == 40_100
    assert "80000 passed" in html


def test_a_green_run_has_its_references() -> None:
    page = Page(render_html(runs.green()))
    assert "Passed: 4 images: 4 built in 4 min 05 s." in page.text
    assert "What failed" not in page.text
    assert "ghcr.io/example/scipy-ml:2026.4-a1239ab" in page.text
    assert "already there" in page.text


def test_a_publication_that_failed_is_what_failed() -> None:
    failed = Publication(tag="2026.4-b", registry="ghcr.io/example", failure="Nothing was published as 2026.4-b.")
    text = Page(render_html(replace(runs.green(), publication=failed))).text
    assert text.index("What failed") < text.index("publication as 2026.4-b") < text.index("Critical path")


def test_a_name_that_a_template_misspells_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        make_environment().from_string("{{ repotr }}").render(report=runs.RED)


def test_rendering_is_pure() -> None:
    before = msgspec.json.encode(runs.RED)
    assert render_html(runs.RED) == render_html(runs.RED)
    assert msgspec.json.encode(runs.RED) == before
