"""Tests one image with one suite: runs it, judges the output, and runs failed tests again."""

import msgspec

from ci.build.engine_failure import EngineFailure
from ci.build.suite_ports import SuiteRequest, Tester
from ci.build.suite_verdict import Verdict, judge, with_rerun
from ci.fusion.fused import Fused
from ci.suite_results import SuiteOutcome, SuiteReport


async def run_suite(tester: Tester, fused: Fused, request: SuiteRequest) -> SuiteReport:
    """Run a suite on an image and report it; the times are for the caller to fill in."""
    verdict, report = await _run(tester, fused, request)
    failed = tuple(test.name for test in verdict.tests if not test.outcome.ok)
    if verdict.outcome is SuiteOutcome.FAILED and failed and request.settings.reruns:
        again = msgspec.structs.replace(request, only=failed, attempt=f"{request.attempt}, again")
        verdict = with_rerun(verdict, (await _run(tester, fused, again))[0])
    return msgspec.structs.replace(report, outcome=verdict.outcome, why=verdict.why, tests=verdict.tests)


async def _run(tester: Tester, fused: Fused, request: SuiteRequest) -> tuple[Verdict, SuiteReport]:
    output = await tester.run_suite(fused, request)
    if isinstance(output, EngineFailure):
        verdict = Verdict(outcome=SuiteOutcome.ERROR, why=output.message, tests=())
        log, junit = output.output or output.message, None
    else:
        verdict = judge(output, request.settings.limit)
        log, junit = output.log, output.junit
    suite = request.suite
    return verdict, SuiteReport(
        origin=suite.origin, kind=suite.kind, folder=suite.folder, outcome=verdict.outcome, log=log, junit=junit
    )
