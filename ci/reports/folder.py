"""The report folder as a mapping of paths to texts. It writes no files."""

from collections.abc import Iterable, Mapping

import msgspec

from ci import units
from ci.reports.annotations import render_annotations
from ci.reports.junit import render_junit, render_suite
from ci.reports.problems import build_log, suite_log
from ci.reports.summary import render_summary
from ci.reports.text import render_run
from ci.reports.trace import render_trace
from ci.results import ImageReport, Outcome, RunReport


def render_folder(report: RunReport, pictures: Mapping[str, bytes] | None = None) -> Mapping[str, str]:
    """Return every file of the report by its path in the folder. `pictures` are as for `render_html`."""
    # Imported where a page is made: no other call waits for Jinja2, which takes 0.1 s.
    from ci.reports.html.page import render_html  # noqa: PLC0415

    files = {
        "report.html": render_html(report, pictures),
        "summary.md": render_summary(report),
        "trace.json": render_trace(report),
        "report.json": render_json(report),
        "summary.txt": f"{render_run(report)}\n",
        "exit-code": f"{report.exit_code}\n",
        "junit.xml": render_junit(report),
        "annotations.txt": render_annotations(report),
        "artifacts/IMAGES_CHANGED": _names(report.changed),
        "artifacts/IMAGES_BUILT": _names(
            image.name for image in report.images if image.exists and image.name in report.plan.to_build
        ),
        "artifacts/IMAGES_TEST_PASSED": _names(
            image.name
            for image in report.images
            if image.suites and image.exists and image.outcome is not Outcome.TESTS_FAILED
        ),
        "artifacts/IMAGES_TEST_ERROR": _names(report.with_outcome(Outcome.TESTS_FAILED)),
        "artifacts/IMAGES_PUSHED": _names(report.publication.written if report.publication else ()),
    }
    if report.publication and report.publication.traceback:
        files["logs/publish.log"] = report.publication.traceback
    if report.publication and report.publication.record:
        files["run-record.json"] = f"{report.publication.record}\n"
    for image in report.images:
        if image.outcome is not Outcome.DISABLED:
            files[build_log(image.name)] = render_build_log(image)
            files[f"logs/{image.name}/layers.json"] = render_json({"layers": image.layers, "steps": image.steps})
        for suite in image.suites:
            files[suite_log(image.name, suite)] = suite.log or suite.traceback
            files[f"logs/{image.name}/{suite.file}.xml"] = suite.junit or render_suite(image.name, suite)
    return files


def render_build_log(image: ImageReport) -> str:
    """Return an image's build log: each RUN with its time and output, the failure, the layers."""
    parts = [f"{image.name}: {image.outcome}" + (f" by {image.blocked_by}" if image.blocked_by else "")]
    for step in image.steps:
        head = f"line {step.line}, {units.seconds(step.seconds)}{', FAILED' if step.failed else ''}: {step.command}"
        parts.append(f"--- {head}\n{step.output.rstrip()}".rstrip())
    if image.failure:
        failure = image.failure
        parts.append(f"--- failed at {failure.location}: {failure.instruction}\n{failure.message}")
        if failure.traceback:
            parts.append(failure.traceback.rstrip())
    if image.layers:
        parts.append("--- layers: size, compressed, instruction")
        parts.extend(
            f"{units.size(layer.size):>8} {units.size(layer.compressed_size):>8}  {layer.instruction}"
            for layer in image.layers
        )
    return "\n".join(parts) + "\n"


def _names(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def render_json(value: object) -> str:
    """Return a value as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
