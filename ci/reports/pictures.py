"""Which pictures of browser tests a report shows."""

from collections.abc import Sequence

from ci.reports.problems import find_flaky, find_problems
from ci.results import RunReport

MOST_PICTURES = 20
LARGEST_PICTURE = 500_000
ALL_PICTURES = 8_000_000
"""Bytes of all pictures together, as they are on the page: in base64, a third more."""


def wanted_pictures(report: RunReport) -> Sequence[str]:
    """Return where pictures of failed and flaky tests would be in the report's folder, whether there are any or not."""
    problems = [*find_problems(report), *find_flaky(report)]
    return tuple(dict.fromkeys(problem.picture for problem in problems if problem.picture))
