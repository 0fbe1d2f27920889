"""pytest fixtures for the suites of a server: where it is, and a browser to look at it with.

The plugin runs beside the server of the image, in the tools container.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

FILES = Path("/suite/report/files")
"""Where a test may leave files for a person to look at; they become part of the report."""
SECONDS_FOR_A_PAGE = 60

_BROWSER = pytest.StashKey[webdriver.Chrome]()


class Server:
    """The server under test."""

    def __init__(self, url: str) -> None:
        self.url = url
        """Without a slash at its end."""

    def at(self, path: str) -> str:
        """Return the address of a path such as `/api`."""
        return f"{self.url}/{path.lstrip('/')}"


@pytest.fixture(scope="session")
def server() -> Server:
    """Return the server of the image, which is healthy when the first test begins."""
    return Server(os.environ["IMAGE_URL"])


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Iterator[webdriver.Chrome]:
    """Open Chromium. When the test fails, the report gets a picture of the page and its source."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1400,1000",
    ):
        options.add_argument(word)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    chrome.set_page_load_timeout(SECONDS_FOR_A_PAGE)
    request.node.stash[_BROWSER] = chrome
    yield chrome
    chrome.quit()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Keep what the browser shows when a test fails, before it is closed."""
    report: pytest.TestReport = yield
    chrome = item.stash.get(_BROWSER, None)
    if report.failed and report.when == "call" and chrome:
        FILES.mkdir(exist_ok=True)
        chrome.save_screenshot(str(FILES / f"{item.name}.png"))
        (FILES / f"{item.name}.html").write_text(chrome.page_source)
    return report
