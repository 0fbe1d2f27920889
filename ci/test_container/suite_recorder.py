"""A pytest plugin that writes down what happens as it happens: one JSON object a line, flushed at once.

pytest writes its JUnit report when it ends; a run that is killed leaves none. These lines tell how far it came and
which test was at work. The plugin runs inside the tested image, so it needs Python 3.9 and nothing else.

Lines: {"event": "collected", "tests": [id, ...]}, {"event": "not collected", "where", "text"},
{"event": "start", "test"}, {"event": "phase", "test", "when", "outcome", "seconds", "text", "expected_failure"},
{"event": "end", "exit_code"}.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LAST_LINES = 20
LONGEST_LINE = 500


class Recorder:
    """Writes the lines of one run."""

    def __init__(self, path: Path | str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event: str, **fields: object) -> None:
        """Write one line. One write call, so that a killed process leaves whole lines."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False)
        os.write(self._descriptor, line.encode("utf-8", "replace") + b"\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that could not be collected."""
        if report.failed:
            self.write("not collected", where=report.nodeid, text=shorten(report.longreprtext))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the tests that will run."""
        self.write("collected", tests=[item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Record that a test begins."""
        self.write("start", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record how setup, call or teardown of a test ended."""
        self.write(
            "phase",
            test=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            seconds=round(report.duration, 3),
            text=_text(report),
            expected_failure=hasattr(report, "wasxfail"),
        )

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Record that pytest came to its end."""
        self.write("end", exit_code=int(exitstatus))


def _text(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return shorten(report.longreprtext) if report.failed else ""


def shorten(text: str) -> str:
    """Return the last lines of a text, each cut to a length that a person reads."""
    return "\n".join(line[:LONGEST_LINE] for line in text.splitlines()[-LAST_LINES:])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --record, the file to write."""
    parser.addoption("--record", help="file that gets one JSON object a line while the tests run")


def pytest_configure(config: pytest.Config) -> None:
    """Start to record, where it was asked for."""
    path = config.getoption("--record")
    if path:
        config.pluginmanager.register(Recorder(path))
