"""`gather`: one report of all shares of a stack, and the stack's tag if all of it passed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from ci.build.outcomes import report_publishing, with_budgets, with_contents
from ci.commands.build import BuildResult, check_growth, published_contents
from ci.commands.plan import BuildPorts
from ci.commands.sharing import agree
from ci.planning.decisions import Present
from ci.publish.budget_gate import BudgetGate
from ci.publish.sizes import with_registry_sizes
from ci.publish.uploaded import find_passed
from ci.results import RunReport
from ci.sharing.gathering import gather, newest_reports
from ci.sharing.model import Shares
from ci.stack.model import Stack, Tree


async def gather_shares(  # noqa: PLR0913 (a division, and what became of it)
    stack: Stack,
    tree: Tree,
    shares: Shares,
    reports: Sequence[RunReport],
    ports: BuildPorts,
    *,
    accept_growth: str = "",
) -> BuildResult:
    """Hold the reports of all shares against the registry, and publish the stack's tag if all of it passed.

    Builds nothing. Raises RequestError and ExternalError.
    """
    check_growth(stack, accept_growth)
    agreed = await agree(stack, tree, shares, ports)
    session = agreed.session
    newest = newest_reports(shares, reports)
    with ports.progress.work("look up what the machines uploaded"):
        found = await find_passed(session, shares, [*shares.division.owners], _reported(shares, newest))
    gathered = gather(stack, shares, newest, found, {name: _later(shares, one) for name, one in newest.items()})
    report = gathered.report
    digests = {image.name: image.digest for image in report.images if image.exists and image.digest}
    contents = await published_contents(session, digests)
    report = with_contents(report, contents, stack.highlights)
    if stack.budget is not None:
        gate = BudgetGate(session, stack, stack.budget, accept_growth)
        with ports.progress.work("compare sizes with what is stable"):
            report = with_budgets(report, await gate.judge([*digests], contents, digests))
    answers = {name: Present(digest=digests[name], needs=needs) for name, needs in gathered.needs.items()}
    agreed = agreed._replace(inputs=msgspec.structs.replace(agreed.inputs, answers=answers))
    publisher = agreed.publisher(stack, shares, is_refresh=shares.is_refresh)
    with ports.progress.work("publish the tags"):
        publication = await publisher.publish_tags(report)
    seconds = max(report.seconds, _seconds(shares.created, ports.timestamp()))
    task = report_publishing(report, seconds - publication.seconds, seconds, ok=not publication.failure)
    report = msgspec.structs.replace(report, publication=publication, tasks=(*report.tasks, task), seconds=seconds)
    return BuildResult(await with_registry_sizes(report, stack, session), contents, stack.highlights)


def _reported(shares: Shares, reports: Mapping[str, RunReport]) -> Mapping[str, str]:
    """Return the digests of images that passed, as the reports of those machines say that had them."""
    found = {
        name: reports[share.name].by_name.get(name)
        for name, share in shares.division.owners.items()
        if share.name in reports
    }
    return {name: image.digest for name, image in found.items() if image and image.digest and image.outcome.ok}


def _later(shares: Shares, report: RunReport) -> float:
    return max(0.0, _seconds(shares.created, report.started))


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
