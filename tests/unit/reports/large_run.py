"""The report of a run that is larger than any: for limits, and for benchmarks."""

import msgspec

from ci.contents.budgets import Verdict
from ci.planning.plan import Plan
from ci.results import Failure, ImageReport, Outcome, RunReport
from ci.stack.image import SuiteKind
from ci.timing import TaskKind, TaskReport
from tests.unit.reports import runs, verdicts
from tests.unit.reports.plans import planned


def large_run(images: int = 1000, tests: int = 60) -> RunReport:
    """Return a red run of many images with many tests each: every hundredth image does not build."""
    names = [f"image-{number:04}" for number in range(images)]
    some = tuple(runs.passed(f"test_packages.py::test_that_it_can_be_imported[{number}]") for number in range(tests))
    one_failed = (*some[1:], msgspec.structs.replace(runs.LAUNCHER, name="test_packages.py::test_planted"))
    reports: list[ImageReport] = []
    tasks: list[TaskReport] = []
    for number, name in enumerate(names):
        started = 2.0 * number
        fails = number % 100 == 99
        suites = () if fails else (runs.suite(name, SuiteKind.IMAGE, *(one_failed if number % 50 == 7 else some)),)
        failure = Failure(path=f"images/{name}/Dockerfile", line=2, instruction="RUN false", message="exit code 1",
                          exit_code=1, output=runs.R_OUTPUT)  # fmt: skip
        outcome = Outcome.FAILED if fails else Outcome.TESTS_FAILED if number % 50 == 7 else Outcome.BUILT
        reports.append(
            ImageReport(
                name=name,
                outcome=outcome,
                started=started,
                seconds=6,
                size=900 * runs.MB,
                steps=tuple(runs.step(f"RUN pip install package-{one}", one, started + one, 1) for one in range(5)),
                layers=runs.BASE_LAYERS,
                suites=suites,
                failure=failure if fails else None,
                versions={} if fails else {**runs.BASE_VERSIONS, "NumPy": f"2.{number}"},
            )
        )
        place = len(tasks)
        tasks += [
            runs.task(
                TaskKind.STAGE, name, started, 5, part="build", ok=not fails, after=place - 3 if number else None
            ),
            runs.task(TaskKind.IMAGE, name, started + 5, 1, after=place),
            runs.task(TaskKind.SUITE, name, started + 8, 20, part=f"{name}/image", ready=started + 6, after=place + 1),
        ]
    return RunReport(
        plan=Plan(images=tuple(planned(name, names[(n - 1) // 4] if n else None) for n, name in enumerate(names))),
        images=tuple(reports),
        started="2026-11-26T03:12:04+00:00",
        seconds=2.0 * images + 30,
        jobs=8,
        tasks=tuple(tasks),
        budgets=tuple(verdicts.verdict(name, Verdict.WARNED) for name in names),
    )
