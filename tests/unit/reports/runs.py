"""Reports of runs for tests of what is rendered: a red one with all that can go wrong, and a green one."""

import struct
import zlib

from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.results import Baseline, Blob, Failure, ImageReport, Layer, Outcome, Publication, RunReport, StepResult
from ci.stack.image import SuiteKind
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome, TestResult
from ci.timing import TaskKind, TaskReport
from tests.unit.reports import verdicts
from tests.unit.reports.plans import planned

PLANTED = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "](javascript:alert(3)) ![x](https://evil.test/x.png) <https://evil.test> www.evil.test @octocat `|` || **b** #1",
    "{{ 7*7 }} {% raw %} ]]> --> </pre></details></style>",
    '"><svg onload=alert(4)>',
)
"""Names that a test may have."""
PICTURE = "logs/base-notebook/base-notebook-server/test_launcher[chromium].png"


def png(width: int = 400, height: int = 240) -> bytes:
    """Return a picture with a gradient, as a browser would leave it."""
    rows = b"".join(b"\0" + bytes((x * 255 // width, 90, y * 255 // height)[k] for x in range(width) for k in range(3))
                    for y in range(height))  # fmt: skip

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def digest(number: int) -> str:
    """Return a digest that is told apart by a number."""
    return f"sha256:{number:064x}"


def step(command: str, line: int, started: float, seconds: float, *, failed: bool = False) -> StepResult:
    """Return a step of the stage `build`."""
    return StepResult(
        stage="build", command=command, line=line, started=started, seconds=seconds, output="", failed=failed
    )


def suite(origin: str, kind: SuiteKind, *tests: TestResult, **changes: object) -> SuiteReport:
    """Return a suite that failed if one of its tests did."""
    ok = all(test.outcome.ok for test in tests)
    bad = sum(not test.outcome.ok for test in tests)
    fields: dict[str, object] = {
        "origin": origin,
        "kind": kind,
        "folder": f"images/{origin}/tests/{kind}",
        "outcome": SuiteOutcome.PASSED if ok else SuiteOutcome.FAILED,
        "why": "" if ok else f"{bad} of {len(tests)} tests failed",
        "tests": tests,
        "started": 90.0,
        "seconds": 21.0,
        "log": "collected\n",
    }
    return SuiteReport(**(fields | changes))  # type: ignore[arg-type]  # a row of a test's table


def passed(name: str, seconds: float = 0.2) -> TestResult:
    """Return a test that passed."""
    return TestResult(name=name, outcome=TestOutcome.PASSED, seconds=seconds)


def task(kind: TaskKind, image: str, started: float, seconds: float, **changes: object) -> TaskReport:
    """Return a task that was ready when it started."""
    fields: dict[str, object] = {"kind": kind, "image": image, "ready": started, "started": started, "seconds": seconds}
    return TaskReport(**(fields | changes))  # type: ignore[arg-type]  # a row of a test's table


def layers(*sizes: tuple[str, str | None, int, int], first: int = 0) -> tuple[Layer, ...]:
    """Return layers of `(instruction, image, files, compressed)`, each with a digest of its own."""
    return tuple(
        Layer(
            instruction=instruction, image=image, size=files, compressed_size=small, digests=(digest(first + number),)
        )
        for number, (instruction, image, files, small) in enumerate(sizes)
    )


MB = 1_000_000
BASE_LAYERS = layers(
    ("FROM debian:bookworm-slim", None, 75 * MB, 28 * MB),
    ("RUN apt-get update && apt-get install --yes curl git tini", "base-notebook", 310 * MB, 104 * MB),
    ("RUN uv pip install -r /tmp/requirements.txt", "base-notebook", 640 * MB, 190 * MB),
    ("COPY start /usr/local/bin/", "base-notebook", 20_000, 9_000),
)
DATA_LAYERS = layers(("RUN uv pip install pandas scipy matplotlib", "datascience", 900 * MB, 260 * MB), first=10)
BASE_TESTS = (
    *(passed(f"test_environment.py::test_tool_is_there[{tool}]") for tool in ("git", "curl", "tini", "uv", "jupyter")),
    TestResult(name="test_gpu.py::test_driver", outcome=TestOutcome.SKIPPED, text="no GPU on this machine"),
    TestResult(name="test_later.py::test_wheel", outcome=TestOutcome.XFAILED, seconds=0.4, text="issue 12"),
)
LAUNCHER = TestResult(
    name="test_server.py::test_launcher[chromium]",
    outcome=TestOutcome.FAILED,
    seconds=14.2,
    text="    def test_launcher(server, browser):\n>       assert browser.title == 'JupyterLab'\n"
    "E       AssertionError: assert 'Server error' == 'JupyterLab'\n"
    "E         - JupyterLab\nE         + Server error\n\n"
    "test_server.py:31: AssertionError",
)
FLAKY = TestResult(
    name="test_server.py::test_kernel", outcome=TestOutcome.FLAKY, seconds=3, text="TimeoutError: no kernel after 30 s"
)
R_OUTPUT = "".join(f"\x1b[32mGet:{n}\x1b[0m http://deb.debian.org/debian bookworm/main amd64 r-cran-{n} 1.{n}\n"
                   for n in range(1, 260)) + "E: Unable to locate package r-cran-tidyvrese\n"  # fmt: skip

BASE_VERSIONS = {"OS": "Debian GNU/Linux 12.15", "Python": "3.11.2", "JupyterLab": "4.6.6", "JupyterHub": "6.1.1"}

_TASKS = (
    task(TaskKind.STAGE, "base-notebook", 0, 62, part="build"),
    task(TaskKind.TOOLS, "", 0, 31, ready=0),
    task(TaskKind.IMAGE, "base-notebook", 62, 2, after=0),
    task(TaskKind.STAGE, "datascience", 64, 70, part="build", after=2),
    task(TaskKind.STAGE, "r-notebook", 71, 38, part="build", ready=64, after=2, ok=False),
    task(TaskKind.UPLOAD, "base-notebook", 109, 19, ready=64, after=2),
    task(TaskKind.SUITE, "base-notebook", 128, 26, part="base-notebook/server", ready=64, after=2, ok=False),
    task(TaskKind.IMAGE, "datascience", 134, 2, after=3),
    task(TaskKind.DESCRIBE, "base-notebook", 136, 3, ready=64, after=2),
    task(TaskKind.SUITE, "datascience", 139, 21, part="datascience/image", ready=136, after=7),
    task(TaskKind.UPLOAD, "datascience", 154, 31, ready=136, after=7),
)
_BLOBS = tuple(Blob(digest=layer.digests[0], size=layer.compressed_size or 0) for layer in (*BASE_LAYERS, *DATA_LAYERS))

RED = RunReport(
    plan=Plan(
        images=(
            planned("base-notebook", reason="its Dockerfile changed in 3f1c2d9"),
            planned("datascience", "base-notebook", reason="base-notebook is built"),
            planned("r-notebook", "base-notebook", reason="base-notebook is built"),
            planned("rstudio", "r-notebook", reason="r-notebook is built"),
            planned("old-notebook", action=Action.DISABLED, reason="disabled: replaced by datascience"),
        ),
        notes=("r-notebook: the .git of the source tree is left out of the build context, unlike in Docker.",),
    ),
    images=(
        ImageReport(
            name="base-notebook",
            outcome=Outcome.TESTS_FAILED,
            seconds=64,
            size=1025 * MB,
            steps=(
                step("RUN apt-get update && apt-get install --yes curl git tini", 3, 0, 21),
                step("RUN uv pip install -r /tmp/requirements.txt", 9, 21.2, 40.5),
            ),
            layers=BASE_LAYERS,
            blobs=_BLOBS[:4],
            suites=(
                suite("base-notebook", SuiteKind.IMAGE, *BASE_TESTS),
                suite("base-notebook", SuiteKind.SERVER, passed("test_server.py::test_login"), LAUNCHER, FLAKY),
            ),
            digest=digest(100),
            upload_seconds=19,
            versions=BASE_VERSIONS,
            contents_notes=("/opt/venv/lib/python3.11/site-packages/x-1.dist-info/METADATA has no version.",),
        ),
        ImageReport(
            name="datascience",
            outcome=Outcome.BUILT,
            started=64,
            seconds=72,
            size=1925 * MB,
            steps=(step("RUN uv pip install pandas scipy matplotlib", 4, 64, 69.5),),
            layers=(*BASE_LAYERS, *DATA_LAYERS),
            blobs=_BLOBS,
            suites=(suite("datascience", SuiteKind.IMAGE, *(passed(name) for name in PLANTED), started=139.0),),
            digest=digest(101),
            upload_seconds=31,
            versions={**BASE_VERSIONS, "pandas": "3.0.1", PLANTED[0]: PLANTED[4]},
        ),
        ImageReport(
            name="r-notebook",
            outcome=Outcome.FAILED,
            started=71,
            seconds=38,
            steps=(step("RUN apt-get install --yes r-cran-tidyvrese", 7, 71, 38, failed=True),),
            failure=Failure(
                path="images/r-notebook/Dockerfile",
                line=7,
                instruction="RUN apt-get install --yes r-cran-tidyvrese",
                message="exit code 100",
                exit_code=100,
                output=R_OUTPUT,
            ),
        ),
        ImageReport(name="rstudio", outcome=Outcome.BLOCKED, blocked_by="r-notebook"),
        ImageReport(name="old-notebook", outcome=Outcome.DISABLED),
    ),
    started="2026-11-26T03:12:04+00:00",
    seconds=186,
    jobs=2,
    commit="a1239ab77c0d4c51e6d1a38ab6c70c2d5b1e9f00",
    changed=("base-notebook",),
    tasks=_TASKS,
    budgets=(verdicts.OVER, verdicts.WARNED),
    baseline=Baseline(
        tag="2026.4-stable",
        images={
            "base-notebook": (*_BLOBS[:2], Blob(digest=digest(900), size=171 * MB)),
            "datascience": (
                *_BLOBS[:2],
                Blob(digest=digest(900), size=171 * MB),
                Blob(digest=digest(901), size=480 * MB),
            ),
        },
    ),
)
"""A failing build, a failing and a flaky test, a blocked and a disabled image, planted markup."""


def green() -> RunReport:
    """Return a run of four images that is published."""
    names = ("base-notebook", "datascience", "r-notebook", "scipy-ml")
    parents = (None, "base-notebook", "base-notebook", "datascience")
    tests = tuple(passed(f"test_packages.py::test_import[{number}]") for number in range(60))
    return RunReport(
        plan=Plan(images=tuple(planned(name, parent) for name, parent in zip(names, parents, strict=True))),
        images=tuple(
            ImageReport(
                name=name,
                outcome=Outcome.BUILT,
                started=60.0 * number,
                seconds=60,
                size=900 * MB,
                steps=tuple(step(f"RUN install {one}", one, 60.0 * number + 6 * one, 6) for one in range(10)),
                layers=(*BASE_LAYERS, *DATA_LAYERS),
                blobs=_BLOBS,
                suites=(suite(name, SuiteKind.IMAGE, *tests), suite(name, SuiteKind.SERVER, *tests[:10])),
                digest=digest(200 + number),
                versions=BASE_VERSIONS,
            )
            for number, name in enumerate(names)
        ),
        started="2026-11-26T03:12:04+00:00",
        seconds=245,
        jobs=2,
        commit="a1239ab77c0d4c51e6d1a38ab6c70c2d5b1e9f00",
        tasks=tuple(
            task(TaskKind.STAGE, name, 60.0 * number, 60, part="build", after=number - 1 if number else None)
            for number, name in enumerate(names)
        ),
        budgets=(verdicts.ACCEPTED, verdicts.unjudged("scipy-ml")),
        baseline=Baseline(tag="2026.4-stable", images=dict.fromkeys(names, _BLOBS)),
        publication=Publication(
            tag="2026.4-a1239ab", registry="ghcr.io/example", written=names[1:], unchanged=names[:1]
        ),
    )
