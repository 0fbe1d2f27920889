"""A browser, and the pages of the sample runs on the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.reports.folder import render_folder
from ci.reports.manifests import page_path
from ci.results import RunReport
from tests.integration.reports.browser import Browser, opened
from tests.programs import chromium
from tests.unit.reports import runs
from tests.unit.reports.large_run import large_run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, whose network is cut."""
    with opened(chromium()) as one:
        yield one


def write(folder: Path, report: RunReport) -> Path:
    """Write the files of a report, its manifests and the picture of its failed test into a folder."""
    for name, text in render_folder(report, {runs.PICTURE: runs.png()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for image in report.images:
        if image.versions:
            page = folder / page_path(image.name)
            page.parent.mkdir(exist_ok=True)
            page.write_text(f"# {image.name}\n")
    (folder / runs.PICTURE).parent.mkdir(parents=True, exist_ok=True)
    (folder / runs.PICTURE).write_bytes(runs.png())
    return folder


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a red run."""
    return write(tmp_path_factory.mktemp("red"), runs.RED)


@pytest.fixture(scope="session")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a green run that is published."""
    return write(tmp_path_factory.mktemp("green"), runs.green())


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a run of 1,000 images with 60,000 tests."""
    return write(tmp_path_factory.mktemp("large"), large_run())
