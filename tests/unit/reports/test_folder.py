import json
import subprocess
import sys
from pathlib import Path

import msgspec

from ci.planning.plan import Plan
from ci.reports.folder import render_folder
from ci.results import Failure, ImageReport, Layer, Outcome, Publication, RunReport, StepResult
from tests.unit.reports import runs
from tests.unit.reports.plans import planned

ROOT = Path(__file__).parents[3]

STEP = StepResult(stage="base", command="RUN true", line=3, started=0, seconds=1.5, output="first\nsecond\n")
LAYER = Layer(
    instruction="RUN true",
    image="base",
    digests=("sha256:0",),
    compressed_size=12,
    size=34,
)
REPORT = RunReport(
    plan=Plan(images=(planned("base"), planned("r"), planned("ml"))),
    images=(
        ImageReport(name="base", outcome=Outcome.BUILT, steps=(STEP,), layers=(LAYER,)),
        ImageReport(
            name="r",
            outcome=Outcome.FAILED,
            failure=Failure(path="images/r/Dockerfile", line=2, instruction="RUN false", message="exit code 1"),
        ),
        ImageReport(name="ml", outcome=Outcome.BLOCKED, blocked_by="r"),
        ImageReport(name="old", outcome=Outcome.DISABLED),
    ),
    started="2026-01-01T00:00:00+00:00",
    seconds=2,
    jobs=2,
)


def test_a_red_run_has_the_whole_folder() -> None:
    files = render_folder(REPORT)
    assert files["exit-code"] == "1\n"
    assert files["artifacts/IMAGES_BUILT"] == "base\n"
    assert files["artifacts/IMAGES_PUSHED"] == ""
    assert {path.split("/")[1] for path in files if path.startswith("logs/")} == {"base", "r", "ml"}
    assert "1 built, 1 failed, 1 blocked, 1 disabled" in files["summary.txt"]
    assert json.loads(files["report.json"])["images"][1]["failure"]["path"] == "images/r/Dockerfile"


def test_layers_and_outputs_are_in_json_and_in_the_log() -> None:
    files = render_folder(REPORT)
    layers = json.loads(files["logs/base/layers.json"])
    assert layers["layers"][0]["compressed_size"] == 12
    assert layers["steps"][0]["output"] == "first\nsecond\n"
    log = files["logs/base/build.log"]
    assert "--- line 3, 1.5 s: RUN true\nfirst\nsecond\n" in log
    assert "34 B     12 B  RUN true" in log


def test_the_log_of_an_image_that_was_not_built_says_why() -> None:
    files = render_folder(REPORT)
    assert files["logs/ml/build.log"] == "ml: blocked by r\n"
    assert "failed at images/r/Dockerfile:2: RUN false\nexit code 1" in files["logs/r/build.log"]


def test_a_publication_is_reported() -> None:
    published = Publication(
        tag="2026.4-a1239ab", registry="docker.io/x", written=("base", "ml"), unchanged=("r",), record='{"a":1}'
    )
    report = msgspec.structs.replace(REPORT, publication=published, changed=("base",))
    files = render_folder(report)
    assert files["artifacts/IMAGES_PUSHED"] == "base\nml\n"
    assert files["artifacts/IMAGES_CHANGED"] == "base\n"
    assert files["run-record.json"] == '{"a":1}\n'
    text = "Published as docker.io/x/IMAGE:2026.4-a1239ab: the tag was written for 2 images; 1 already had it."
    assert text in files["summary.txt"]


def test_a_publication_that_failed_makes_a_run_red() -> None:
    failed = Publication(tag="t", registry="docker.io/x", failure="Nothing was published as t.")
    green = msgspec.structs.replace(REPORT, plan=Plan(images=REPORT.plan.images[:1]), images=REPORT.images[:1])
    assert green.exit_code == 0
    report = msgspec.structs.replace(green, publication=failed)
    assert report.exit_code == 1
    assert render_folder(report)["summary.txt"].endswith("\nNothing was published as t.\n")


def test_the_page_the_summary_and_the_trace_are_in_the_folder() -> None:
    files = render_folder(runs.RED, {runs.PICTURE: runs.png()})
    assert "data:image/png;base64," in files["report.html"]
    assert files["summary.md"].startswith("## ")
    assert json.loads(files["trace.json"])["traceEvents"]
    assert files["annotations.txt"].count("\n::error") + 1 == 3


def test_without_a_page_nothing_waits_for_jinja() -> None:
    code = "import sys; import ci.reports.folder; print('jinja2' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert printed.stdout == "False\n"
