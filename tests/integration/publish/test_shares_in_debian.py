"""A stack that several machines publish to Debian's docker-registry: budgets, and what the records say of its costs."""

import pytest

from ci.commands.gathering import gather_shares
from ci.commands.options import BuildOptions
from ci.commands.sharing import build_share, divide_stack
from ci.contents.budgets import Verdict
from ci.publish.stack_list import read_stacks
from ci.publish.weights import read_weights
from ci.results import RunReport
from tests.integration.publish.debian_runs import DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, TAG, results
from tests.integration.publish.test_budgets import REASON, change, make_stable, verdicts

pytestmark = pytest.mark.anyio
OTHER_TAG = "2026.4-bbbbbbb"


async def publish_by_shares(runs: DebianRuns, accept_growth: str = "") -> RunReport:
    """Divide, build each share, and gather, each on an engine of its own."""
    tree = runs.tree()
    stack = runs.stack_of(tree)
    shares = await divide_stack(stack, tree, BuildOptions(), 2, runs.next_ports())
    reports = [
        (await build_share(stack, tree, shares, share.name, runs.next_ports())).report
        for share in shares.division.shares
    ]
    result = await gather_shares(stack, tree, shares, reports, runs.next_ports(), accept_growth=accept_growth)
    return result.report


async def test_shares_publish_a_described_stack(runs: DebianRuns) -> None:
    report = await publish_by_shares(runs)
    assert results(report) == dict.fromkeys(IMAGES, "built")
    assert report.publication is not None
    assert set(report.publication.written) == set(IMAGES)
    assert len(await runs.images(TAG)) == len(IMAGES)
    assert all(image.versions and image.blobs for image in report.images)
    plain = await runs.run()
    assert results(plain) == dict.fromkeys(IMAGES, "reused")
    assert plain.publication is not None
    assert plain.publication.written == ()


async def test_what_is_over_its_budget_gets_no_tag_unless_it_is_accepted(runs: DebianRuns) -> None:
    await make_stable(runs, 450_000_000)
    change(runs, "ml", 918_000_000)
    report = await publish_by_shares(runs)
    assert results(report) == {**dict.fromkeys(IMAGES, "reused"), "ml": "over budget"}
    assert verdicts(report)["ml"] is Verdict.OVER
    assert await runs.images(OTHER_TAG) == ()
    accepted = await publish_by_shares(runs, REASON)
    assert accepted.exit_code == 0
    assert verdicts(accepted)["ml"] is Verdict.ACCEPTED
    (record, *_) = await read_stacks(runs.registry, [runs.layout.place("base")], "2026.4")
    assert (record.tag, record.by_name["ml"].accepted_growth) == (OTHER_TAG, REASON)


async def test_weights_are_those_of_the_last_run_that_built_an_image(runs: DebianRuns) -> None:
    session = runs.session(runs.registry)
    assert await read_weights(session, IMAGES, "2026.4") == {}
    first = await runs.publish()
    await runs.change("ml", "Package: more\nVersion: 1\n")
    weights = await read_weights(session, IMAGES, "2026.4")
    assert set(weights) == set(IMAGES)
    assert weights["base"].build == first.by_name["base"].seconds > 0
    assert weights["base"].upload == first.by_name["base"].upload_seconds
    assert weights["base"].test == sum(suite.seconds for suite in first.by_name["base"].suites) > 0
    assert weights["ml"].build != first.by_name["ml"].seconds
    newest, oldest = await read_stacks(runs.registry, [runs.layout.place("base")], "2026.4")
    assert weights["ml"].size == newest.by_name["ml"].size
    assert (newest.by_name["base"].seconds, oldest.by_name["base"].seconds) == (0.0, weights["base"].build)
