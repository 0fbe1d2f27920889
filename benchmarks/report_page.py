"""Measures the page of a run: how large it is, how long it takes to make, and until Chromium has painted it.

usage: PYTHONPATH=. python benchmarks/report_page.py [--images 4 100 1000] [--tests 60] [--runs 3]

The runs are made up: images with a stage, five steps, four layers and one suite each; every hundredth does not build,
every fiftieth has a failed test. Prints the lowest seconds of all runs. `painted` is from the start of Chromium to its
first contentful paint, `loaded` to the end of loading, `folder` all other files of the report.
"""  # noqa: INP001 (a script, not a package)

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from ci.reports.folder import render_folder
from ci.reports.html.page import render_html
from ci.results import RunReport
from tests.integration.reports.browser import opened
from tests.programs import Chromium, chromium
from tests.unit.reports.large_run import large_run


def main(arguments: list[str]) -> None:
    """Measure a run of each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[4, 100, 1000])
    parser.add_argument("--tests", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    browser = chromium()
    rows: list[list[object]] = []
    for images in options.images:
        report = large_run(images, options.tests)
        measured = [_measure(report, browser) for _ in range(options.runs)]
        size = len(render_html(report).encode())
        rows.append([images, images * options.tests, size, *(f"{min(one):.2f}" for one in zip(*measured, strict=True))])
    print(tabulate(rows, ["images", "tests", "bytes", "page", "folder", "painted", "loaded"]))


def _measure(report: RunReport, browser: Chromium) -> tuple[float, float, float, float]:
    """Return the seconds to make the page, to make the whole folder, until it is painted, and until it is loaded."""
    begun = time.monotonic()
    html = render_html(report)
    page = time.monotonic() - begun
    begun = time.monotonic()
    render_folder(report)
    folder = time.monotonic() - begun
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "report.html"
        file.write_text(html)
        begun = time.monotonic()
        with opened(browser) as one:
            started = time.monotonic() - begun
            one.chrome.get(file.as_uri())
            loaded = time.monotonic() - begun
            return page, folder, started + one.painted(), loaded


if __name__ == "__main__":
    main(sys.argv[1:])
