"""The plan and the run as text for the terminal: the table, and why an image failed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, assert_never

from tabulate import tabulate

from ci import units
from ci.contents.budgets import Verdict
from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan, Plan
from ci.reports.budgets import render_budgets, verdict_word
from ci.reports.tree import draw_tree
from ci.reports.versions import render_versions
from ci.results import Failure, ImageReport, Outcome, RunReport, count_tests
from ci.stack.image import SuiteKind
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome, TestResult
from ci.texts import last_lines, shorten

_REASON_SHOWN = 64


def render_plan(plan: Plan) -> str:
    """Return the plan as text: the tree of images, and for each its action, reason, dependencies and own suites."""
    by_name = {image.name: image for image in plan.images}
    rows = [
        (label, image.action, _short(image.reason), _dependencies(image), _own_suites(image))
        for name, label in draw_tree(parents_of(plan))
        for image in [by_name[name]]
    ]
    table = _table(("image", "action", "reason", "depends on", "own suites"), rows)
    counts = [f"{len(plan.to_build)} to build"]
    if plan.reused:
        counts.append(f"{len(plan.reused)} to reuse")
    retested = len(plan.to_test) - len(plan.to_build)
    if retested:
        counts.append(f"{retested} of these to test again")
    total = f"{units.number(len(plan.images), 'image')}, {', '.join(counts)}"
    return "\n".join([f"{table}\n\n{total}", *_inheritance(plan), *_long_reasons(plan), *_notes(plan)])


def render_run(report: RunReport) -> str:
    """Return the table of a run, and below it the failed command of each failed image, with the end of its output."""
    images = {image.name: image for image in report.images}
    plans = {image.name: image for image in report.plan.images}
    rows = [run_row(plans[name], images[name], label) for name, label in draw_tree(parents_of(report.plan))]
    shown = [row._replace(why=_short(row.why)) for row in rows]
    table = _table(("image", "why", "seconds", "size", "tests", "result"), shown)
    failed = [_render_failure(image) for image in report.images if image.failure]
    tests = [block for image in report.images for block in render_failures(image)]
    blocks = [render_versions(report), render_budgets(report.budgets)]
    parts = [*failed, *tests, *("\n".join(lines) for lines in blocks if lines), *describe_publication(report)]
    return "\n\n".join([f"{table}\n\n{render_verdict(report)}", *parts])


def describe_publication(report: RunReport) -> Sequence[str]:
    """Return what became of the stack's tag in a paragraph; nothing if it was not to be published."""
    published = report.publication
    if published is None:
        return ()
    if published.failure:
        return (published.failure,)
    name = f"{published.registry}/IMAGE:{published.tag}"
    variants = [f"  {image}: {reference}" for image, reference in published.variants.items()]
    variants += [published.warning] if published.warning else []
    if not published.written:
        return ("\n".join([f"Already published: {name} points to these images.", *variants]),)
    others = f"; {len(published.unchanged)} already had it" if published.unchanged else ""
    written = f"Published as {name}: the tag was written for {units.number(len(published.written), 'image')}{others}."
    return ("\n".join([written, *variants]),)


def _short(reason: str) -> str:
    return shorten(reason, _REASON_SHOWN)


def _long_reasons(plan: Plan) -> Sequence[str]:
    """Return, each once and in full, the reasons that are too long for the table."""
    users: dict[str, list[str]] = {}
    for image in plan.images:
        if _short(image.reason) != image.reason:
            users.setdefault(image.reason, []).append(image.name)
    return [f"\n{', '.join(names)}: {reason}" for reason, names in users.items()]


def _notes(plan: Plan) -> Sequence[str]:
    return [f"\n{note}" for note in plan.notes]


def _own_suites(image: ImagePlan) -> str:
    own = f"{image.name}/"
    return ", ".join(suite.removeprefix(own) for suite in image.suites if suite.startswith(own))


def _inheritance(plan: Plan) -> Sequence[str]:
    """Describe the inherited suites: to list them for each image would fill the screen."""
    if not any(image.suites for image in plan.images):
        return ()
    # A plan has all ancestors of its images, so a suite of no image in it is common.
    names = {image.name for image in plan.images}
    suites = dict.fromkeys(suite for image in plan.images for suite in image.suites)
    common = [suite for suite in suites if suite.partition("/")[0] not in names]
    others = "".join(f", and {suite}" for suite in common)
    return (f"Each image is tested by its own suites and those of all its ancestors{others}.",)


class RunRow(NamedTuple):
    """One image of a run as words: the cells of its row in a table."""

    image: str
    why: str
    seconds: str
    size: str
    tests: str
    result: str


def run_row(plan: ImagePlan, image: ImageReport, label: str) -> RunRow:
    """Return the words for one image. `label` is how it is called in the table."""
    ran = plan.action is Action.BUILD and (image.exists or image.outcome is Outcome.FAILED)
    return RunRow(
        image=label,
        why=plan.reason,
        seconds=units.seconds(image.seconds) if ran else "-",
        size=units.size(image.size),
        tests=count_tests(image.suites) or _why_no_tests(plan, image, ran=ran),
        result=_result(image),
    )


def _why_no_tests(plan: ImagePlan, image: ImageReport, *, ran: bool) -> str:
    if not image.exists:
        return ""
    if all(suite.endswith(f"/{SuiteKind.GPU}") for suite in plan.suites):
        return "no suites"
    return "not run" if ran else ""


def _result(image: ImageReport) -> str:
    match image.outcome:
        case Outcome.BUILT | Outcome.REUSED | Outcome.DISABLED:
            return image.outcome.value
        case Outcome.TESTS_FAILED:
            return "TESTS FAILED"
        case Outcome.OVER_BUDGET:
            return verdict_word(Verdict.OVER)
        case Outcome.NOT_UPLOADED:
            return f"NOT UPLOADED ({image.blocked_by} failed)" if image.blocked_by else "NOT UPLOADED"
        case Outcome.FAILED:
            return f"FAILED at line {image.failure.line}" if image.failure and image.failure.line else "FAILED"
        case Outcome.BLOCKED:
            return f"BLOCKED by {image.blocked_by}"
        case Outcome.MISSING:
            return "MISSING"
    assert_never(image.outcome)


_COUNTED = {
    Outcome.BUILT: "built",
    Outcome.REUSED: "reused",
    Outcome.TESTS_FAILED: "with failing tests",
    Outcome.OVER_BUDGET: "over budget",
    Outcome.NOT_UPLOADED: "not uploaded",
    Outcome.FAILED: "failed",
    Outcome.BLOCKED: "blocked",
    Outcome.MISSING: "missing",
    Outcome.DISABLED: "disabled",
}


def render_verdict(report: RunReport) -> str:
    """Return the sentence that sums up a run."""
    counts = [
        f"{len(report.with_outcome(outcome))} {_COUNTED[outcome]}"
        for outcome in Outcome
        if report.with_outcome(outcome)
    ]
    verdict = "" if report.exit_code == 0 else "The run FAILED: "
    return (
        f"{verdict}{units.number(len(report.images), 'image')}: {', '.join(counts)} in {units.seconds(report.seconds)}."
    )


def _render_failure(image: ImageReport) -> str:
    failure = image.failure
    if failure is None:
        return ""
    lines = [
        f"{image.name} failed: {failure.location}",
        f"  {failure.instruction}",
        f"  {failure.message}",
    ]
    return "\n".join([*lines, *_last_lines(failure, f"logs/{image.name}/build.log")])


def _last_lines(failure: Failure, log: str) -> Sequence[str]:
    shown, before = last_lines(failure.output)
    if not shown:
        return ["  no output"] if failure.exit_code is not None else []
    head = f"  the last {len(shown)} of {before + len(shown)} lines of its output (all are in {log} of the report):"
    if not before:
        head = "  its output:"
    return [head, *(f"  | {line}" for line in shown)]


def _dependencies(image: ImagePlan) -> str:
    also = [f"copies from {name}" for name in image.needs if name != image.parent]
    return ", ".join([*image.foreign_bases, *also])


def parents_of(plan: Plan) -> Mapping[str, str | None]:
    """Return the parent of each image of a plan."""
    return {image.name: image.parent for image in plan.images}


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # Empty columns are left out.
    kept = [column for column in range(len(headers)) if column == 0 or any(row[column] for row in rows)]
    cells = [[row[column] for column in kept] for row in rows]
    return tabulate(cells, [headers[column] for column in kept], disable_numparse=True, preserve_whitespace=True)


BRANCH = len("├── ")
"""The characters that each level of a drawn tree adds."""


_SHOWN = 20
"""The number of failed tests shown for an image; the report folder has all."""


def render_failures(image: ImageReport) -> Iterator[str]:
    """Yield a block for each suite of an image that did not pass, and for each failed or flaky test."""
    shown = 0
    for suite in image.suites:
        yield from (_render_test(image, suite, test) for test in suite.tests if test.outcome is TestOutcome.FLAKY)
        if suite.outcome is SuiteOutcome.PASSED:
            continue
        log = f"logs/{image.name}/{suite.file}.log of the report"
        failed = [test for test in suite.tests if not test.outcome.ok]
        yield "\n".join(
            [f"{image.name}: suite {suite.name} {suite.outcome}: {suite.why} ({log})", *_end_of_log(suite, failed)]
        )
        for test in failed[: max(0, _SHOWN - shown)]:
            yield _render_test(image, suite, test)
        shown += len(failed)
    if shown > _SHOWN:
        yield f"{image.name}: {shown - _SHOWN} more tests failed."


def _render_test(image: ImageReport, suite: SuiteReport, test: TestResult) -> str:
    lines = [f"  | {line}" for line in test.text.splitlines()]
    return "\n".join([f"{image.name}: {suite.name}: {test.name} {test.outcome}", *lines])


def _end_of_log(suite: SuiteReport, failed: Sequence[TestResult]) -> Sequence[str]:
    """Return the end of the log if no failed test has a text."""
    if any(test.text for test in failed):
        return ()
    return tuple(f"  | {line[:500]}" for line in suite.log.rstrip().splitlines()[-_SHOWN:])
