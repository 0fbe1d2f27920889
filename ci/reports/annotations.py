"""Failures as GitHub's workflow commands: a line each, shown beside the change.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from collections.abc import Iterator

from ci.results import ImageReport, RunReport, SuiteOutcome


def render_annotations(report: RunReport) -> str:
    """Return one `::error …` for each failed build, suite and test."""
    return "".join(f"{line}\n" for image in report.images for line in _of_image(image))


def _of_image(image: ImageReport) -> Iterator[str]:
    if image.failure:
        failure = image.failure
        message = f"{failure.instruction}\n{failure.message}"
        yield _error(failure.path, failure.line, f"{image.name}: {image.outcome}", message)
    for suite in image.suites:
        failed = [test for test in suite.tests if not test.outcome.ok]
        if suite.outcome is not SuiteOutcome.PASSED and not failed:
            yield _error(suite.folder, None, f"{image.name}: {suite.name} {suite.outcome}", suite.why)
        for test in failed:
            path = f"{suite.folder}/{test.name.partition('::')[0]}"
            yield _error(path, None, f"{image.name}: {suite.name} {test.outcome}", f"{test.name}\n{test.text}")


def _error(path: str, line: int | None, title: str, message: str) -> str:
    place = f"file={_property(path)}" + (f",line={line}" if line else "")
    return f"::error {place},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
