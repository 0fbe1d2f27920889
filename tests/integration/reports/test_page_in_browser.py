"""The page as Chromium shows it, from the disk and without a network."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from ci.reports.html.page import MOST_BYTES
from tests.integration.reports.browser import Browser
from tests.unit.reports import runs

WIDTHS = (390, 1400)
SCHEMES = ("light", "dark")
READABLE = 4.5
"""WCAG 2.2 AA: the contrast of a text."""
SMALLEST = 12
"""Pixels."""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["red", "green"])
def test_it_is_quiet_and_fits(browser: Browser, request: pytest.FixtureRequest, name: str, width: int) -> None:
    page: Path = request.getfixturevalue(name) / "report.html"
    browser.open(page, width)
    assert browser.messages() == []
    assert browser.requests() == [page.as_uri()]
    scroll, client = browser.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
    assert scroll <= client == width
    # What is wider than the page can be scrolled by itself.
    assert browser.run(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .tick, thead') && "
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    ) == []  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["red", "green"])
def test_every_text_can_be_read(
    browser: Browser, request: pytest.FixtureRequest, name: str, scheme: str, width: int
) -> None:
    browser.open(request.getfixturevalue(name) / "report.html", width, scheme=scheme)
    texts = browser.texts()
    assert len(texts) > 100
    assert [text for text in texts if text[1] < READABLE or text[2] < SMALLEST] == []


def test_the_schemes_differ(browser: Browser, red: Path) -> None:
    backs = []
    for scheme in SCHEMES:
        browser.open(red / "report.html", scheme=scheme)
        backs.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert backs == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_are_where_the_report_says(browser: Browser, red: Path, width: int) -> None:
    report = json.loads((red / "report.json").read_text())
    images = {image["name"]: image for image in report["images"]}
    browser.open(red / "report.html", width)
    bars = browser.bars()
    assert len(bars) == len(report["tasks"]) + sum(len(image["steps"]) for image in report["images"])
    for of, left, share in bars:
        place, _, number = of.partition(".")
        task = report["tasks"][int(place)]
        one = images[task["image"]]["steps"][int(number)] if number else task
        assert left == pytest.approx(one["started"] / report["seconds"], abs=0.01)
        assert share == pytest.approx(one["seconds"] / report["seconds"], abs=0.01)


@pytest.mark.parametrize("width", WIDTHS)
def test_layers_are_as_wide_as_the_report_says(browser: Browser, red: Path, width: int) -> None:
    report = json.loads((red / "report.json").read_text())
    sizes = [[layer["compressed_size"] for layer in image["layers"]] for image in report["images"] if image["layers"]]
    largest = max(map(sum, sizes))
    browser.open(red / "report.html", width)
    drawn = browser.run(
        "return [...document.querySelectorAll('.stack')].map(stack => [...stack.children].map("
        "layer => layer.getBoundingClientRect().width / stack.getBoundingClientRect().width))"
    )
    assert drawn == [[pytest.approx(size / largest, abs=0.01) for size in image] for image in sizes]


def test_a_failed_test_is_shown_once_with_its_picture(browser: Browser, red: Path) -> None:
    browser.open(red / "report.html")
    text = browser.run("return document.body.innerText")
    assert text.count("AssertionError: assert 'Server error' == 'JupyterLab'") == 1
    pictures = browser.run(
        "return [...document.images].map(one => [one.naturalWidth, one.closest('a').getAttribute('href')])"
    )
    assert pictures == [[400, quote(runs.PICTURE)]]


def test_planted_markup_makes_no_element(browser: Browser, red: Path) -> None:
    browser.open(red / "report.html")
    assert browser.run("return document.querySelectorAll('script, svg, iframe, object, form, [onerror]').length") == 0
    text = browser.run("return document.body.innerText")
    for planted in runs.PLANTED:
        assert " ".join(planted.split()) in text
    assert browser.run("return [...document.links].filter(a => a.protocol !== 'file:').map(a => a.href)") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_key_versions_and_budgets_can_be_reached_and_read(browser: Browser, red: Path, width: int) -> None:
    browser.open(red / "report.html", width)
    sections = browser.run("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert sections[-2:] == ["#contents", "#budgets"]
    rows = browser.run(
        "return ['contents', 'budgets'].map(id => [...document.querySelectorAll(`#${id} tbody tr`)].map(row => "
        "[...row.children].map(cell => cell.innerText.trim())))"
    )
    contents, budgets = rows
    assert [row[0] for row in contents] == ["base-notebook", "datascience"]
    assert contents[0][1].startswith("Debian GNU/Linux 12.15, Python 3.11.2, JupyterLab 4.6.6, JupyterHub 6.1.1")
    assert contents[0][1].endswith("METADATA has no version.")
    assert contents[1][1].startswith("pandas 3.0.1")
    assert [row[1] for row in budgets] == ["OVER BUDGET", "warned"]
    # A column that is narrower than its words would show a letter on each line.
    heights = browser.run(
        "return [...document.querySelectorAll('#contents tr, #budgets tr')].map(row => "
        "row.getBoundingClientRect().height)"
    )
    assert max(heights) < 250


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_the_same_without_scripts(browser: Browser, red: Path, width: int) -> None:
    pictures = []
    for scripts in (True, False):
        browser.open(red / "report.html", width, scripts=scripts)
        pictures.append(browser.picture())
    assert pictures[0] == pictures[1]


def test_every_link_leads_to_a_file_of_the_report_or_a_place_on_the_page(browser: Browser, red: Path) -> None:
    browser.open(red / "report.html")
    links = browser.run(
        "return [...document.links].map(a => [decodeURIComponent(a.getAttribute('href')), "
        "!a.hash || !!document.getElementById(a.hash.slice(1))])"
    )
    assert len(links) > 10
    assert [href for href, exists in links if not exists] == []
    assert [href for href, _ in links if not href.startswith("#") and not (red / href).is_file()] == []


def test_a_run_of_1000_images_and_60000_tests_is_shown(browser: Browser, large: Path) -> None:
    page = large / "report.html"
    assert page.stat().st_size <= MOST_BYTES
    browser.open(page)
    assert browser.messages() == []
    assert browser.painted() > 0
    assert browser.run("return document.querySelectorAll('.tests tbody tr').length") == 59_400
    assert browser.run("return document.querySelectorAll('.images tbody tr').length") == 1000
    scroll, client = browser.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
    assert scroll <= client
    trace = json.loads((large / "trace.json").read_text())["traceEvents"]
    assert sum(event["ph"] == "X" and event["cat"] not in {"wait", "step"} for event in trace) == 3000
