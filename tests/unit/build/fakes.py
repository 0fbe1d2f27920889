"""The world of a run as small classes, and a run against them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import anyio

from ci.build.engine_failure import EngineFailure
from ci.build.ports import RunPorts
from ci.build.progress import Span
from ci.build.runner import Run
from ci.build.suite_ports import SuiteOutput, SuiteRequest
from ci.build.tasks import BuildRun
from ci.contents.inspection import Inspection
from ci.contents.model import ImageConfig
from ci.errors import EngineLostError
from ci.fusion.fused import Fused, FusedStep
from ci.planning.plan import make_plan
from ci.results import ImageReport, Layer, RunReport
from ci.stack.model import Tree
from ci.stack.reader import read_stack
from ci.suite_results import TestResult
from tests.unit.build.suite_outputs import failing_output, passing_output


class FakeBuilder:
    """A Builder that fails at the RUNs it is told to, and keeps the order of what began and ended."""

    def __init__(self, *, failing: str = "", finish_failing: str = "", lost_at: str = "") -> None:
        self._failing = failing
        self._finish_failing = finish_failing
        self._lost_at = lost_at
        self.log: list[str] = []

    async def run_step(self, fused: Fused, step: FusedStep) -> str | EngineFailure:
        name = step.command.removeprefix("RUN ")
        self.log.append(f"+{name}")
        await anyio.lowlevel.checkpoint()
        self.log.append(f"-{name}")
        if name == self._lost_at:
            raise EngineLostError("The engine was lost")
        # The engine runs whatever the text up to this RUN copies from, and fails with it.
        if self._failing and f"RUN {self._failing}\n" in f"{fused.cut(step)}\n":
            return EngineFailure(message="exit code 7", exit_code=7, output=f"{self._failing} broke")
        return f"{name} printed this"

    async def finish(self, fused: Fused) -> int | EngineFailure:
        image = fused.stages[-1].image
        self.log.append(f"finish {image}")
        return EngineFailure(message="lstat /gone: no such file") if image == self._finish_failing else 1000

    async def fetch(self, reference: str) -> EngineFailure | None:
        self.log.append(f"fetch {reference}")
        return None

    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:  # noqa: ARG002
        raise AssertionError(f"{target} is pushed, and nobody asked for it")

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        self.log.append(f"layers {fused.stages[-1].image}")
        return ()


class FakeInspector:
    """An Inspector that finds one package in each image, of its name.

    `sizes` are those of images that are not 1,000 bytes large, `packages` their other packages: paragraphs of dpkg.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.packages: dict[str, Sequence[str]] = {}
        self.inspected: list[str] = []

    async def inspect(self, image: Fused | str) -> Inspection | EngineFailure:
        self.inspected.append(image if isinstance(image, str) else image.stages[-1].image)
        name = self.inspected[-1].partition("@")[0].rpartition("/")[2]
        packages = [f"Package: of-{name}\nVersion: 1\n", *self.packages.get(name, ())]
        status = "\n".join(f"{one}Status: install ok installed\n" for one in packages)
        return Inspection(
            files={"var/lib/dpkg/status": status.encode(), "etc/os-release": b"ID=debian\nVERSION_ID=12\n"},
            refused={},
            noticed=(),
            config=ImageConfig(),
            platform="linux/amd64",
            size=self.sizes.get(name, 1000),
            entries=2,
        )


class FakeTester:
    """A Tester whose suites pass unless told otherwise; `tests` are those of every suite."""

    def __init__(self, *, broken_tools: bool = False, failing: str = "", failing_folder: str = "") -> None:
        self._broken_tools = broken_tools
        self._failing = failing
        self._failing_folder = failing_folder
        self.ran: list[str] = []
        self.folders: list[tuple[str, str]] = []

    async def prepare(self) -> EngineFailure | None:
        return EngineFailure(message="exit code 100", output="no network") if self._broken_tools else None

    async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        assert fused.stages[-1].image == request.image.name
        name = f"{request.image.name} {request.suite.name}"
        self.ran.append(name)
        self.folders.append((request.image.name, request.suite.folder))
        failed = name == self._failing or request.suite.folder == self._failing_folder
        return failing_output("test_a.py::test_b") if failed else passing_output("test_a.py::test_b")


class KeptSpan:
    """A span of KeptProgress: its path in the tree, and how it ended."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.failed = ""
        self.ended = False

    def fail(self, why: str) -> None:
        self.failed = why

    def end(self) -> None:
        assert not self.ended, f"{self.path} ends twice"
        self.ended = True


class KeptProgress:
    """A Progress that keeps what it is given: spans in the order in which they began, and lines."""

    def __init__(self) -> None:
        self.spans: list[KeptSpan] = []
        self.lines: list[str] = []
        self.tests: list[str] = []

    def group(self, name: str) -> KeptSpan:
        self.spans.append(KeptSpan(name))
        return self.spans[-1]

    @contextmanager
    def work(self, name: str, group: Span | None = None) -> Iterator[KeptSpan]:
        assert group is None or isinstance(group, KeptSpan)
        assert group is None or not group.ended, f"{name} begins after the end of its group"
        span = self.group(f"{group.path} / {name}" if group else name)
        yield span
        span.end()

    suite = work

    async def show_tests(self, suite: Span, tests: Sequence[TestResult]) -> None:
        assert isinstance(suite, KeptSpan)
        self.tests.extend(f"{suite.path} / {test.name} {test.outcome}" for test in tests)

    def line(self, text: str) -> None:
        self.lines.extend(text.splitlines())


async def run(  # noqa: PLR0913 (a run, and what tests vary of it)
    builder: FakeBuilder,
    tree: Tree,
    *,
    tester: FakeTester | None = None,
    measure: bool = False,
    describe: bool = False,
    progress: KeptProgress | None = None,
) -> RunReport:
    stack = read_stack(tree)
    plan = make_plan(stack)
    request = BuildRun(
        jobs=2, started="2026-01-01T00:00:00+00:00", describe=describe, measure=measure, tested=plan.to_build
    )
    ports = RunPorts(builder, tester or FakeTester(), FakeInspector(), progress or KeptProgress())
    return await Run(plan, stack, ports, request).report()


def outcomes(report: RunReport) -> dict[str, str]:
    return {image.name: image.outcome.value for image in report.images}


def only(report: RunReport, name: str) -> ImageReport:
    return next(image for image in report.images if image.name == name)
