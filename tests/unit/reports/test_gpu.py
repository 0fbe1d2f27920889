import msgspec
import pytest

from ci.gpu_gate.verdict import GpuAttempt, GpuOutcome, GpuTests, GpuVerdict
from ci.reports.gpu import render_gpu_summary, render_gpu_verdict

WHEN = "2026-11-25T08:00:00Z"
PASSED = GpuVerdict(
    image="ml",
    reference="docker.io/ucsdets/ml@sha256:0a1b",
    outcome=GpuOutcome.PASSED,
    why="12 tests passed on 1 GPU.",
    tests=GpuTests(passed=12, skipped=1),
    gpus=("GPU 0: NVIDIA A30 (UUID: GPU-1)",),
    host="login.example.edu",
    pod="gate-1",
    started=WHEN,
    seconds=312,
    attempts=(GpuAttempt(pod="gate-1", outcome=GpuOutcome.PASSED, why="", started=WHEN, seconds=312),),
)
FAILED = msgspec.structs.replace(
    PASSED,
    outcome=GpuOutcome.TESTS_FAILED,
    why="2 of 13 tests failed: test_a::test_b and 1 more.",
    tests=GpuTests(passed=11, failed=2, failures=("test_a::test_b", "test_a::test_1e5")),
    gpus=(),
    attempts=(
        GpuAttempt(pod="gate-0", outcome=GpuOutcome.NO_CAPACITY, why="No GPU left.", started=WHEN, seconds=4),
        GpuAttempt(pod="gate-1", outcome=GpuOutcome.TESTS_FAILED, why="2 failed.", started=WHEN, seconds=300),
    ),
    undeleted=("gate-0",),
)
SHOWN_PASSED = """\
GPU gate: passed. 12 tests passed on 1 GPU.

image  docker.io/ucsdets/ml@sha256:0a1b
tests  12 passed, 0 failed, 0 with errors, 1 skipped
GPUs   GPU 0: NVIDIA A30 (UUID: GPU-1)
where  gate-1, launched on login.example.edu
when   2026-11-25T08:00:00Z, 5 min 12 s"""
SHOWN_FAILED = """\
GPU gate: tests failed. 2 of 13 tests failed: test_a::test_b and 1 more.

image   docker.io/ucsdets/ml@sha256:0a1b
tests   11 passed, 2 failed, 0 with errors, 0 skipped
failed  test_a::test_b
        test_a::test_1e5
GPUs    none seen
where   gate-1, launched on login.example.edu
when    2026-11-25T08:00:00Z, 5 min 12 s

attempt    took        outcome       why
---------  ----------  ------------  ------------
gate-0     4.0 s       no capacity   No GPU left.
gate-1     5 min 00 s  tests failed  2 failed.

WARNING: pod gate-0 may still be running and holding a GPU. On login.example.edu, run: kubectl delete pod gate-0"""


@pytest.mark.parametrize(
    ("verdict", "shown"), [(PASSED, SHOWN_PASSED), (FAILED, SHOWN_FAILED)], ids=["passed", "failed"]
)
def test_a_verdict_as_text(verdict: GpuVerdict, shown: str) -> None:
    assert render_gpu_verdict(verdict) == shown


def test_a_verdict_has_a_summary_with_what_is_left_to_do_first() -> None:
    assert (
        render_gpu_summary(FAILED)
        == """\
## ❌ GPU gate: tests failed

`2 of 13 tests failed: test_a::test_b and 1 more.`

`WARNING: pod gate-0 may still be running and holding a GPU. On login.example.edu, run: kubectl delete pod gate-0`

|  |  |
| --- | --- |
| image | `docker.io/ucsdets/ml@sha256:0a1b` |
| tests | `11 passed, 2 failed, 0 with errors, 0 skipped` |
| failed | `test_a::test_b` |
|  | `test_a::test_1e5` |
| GPUs | `none seen` |
| where | `gate-1, launched on login.example.edu` |
| when | `2026-11-25T08:00:00Z, 5 min 12 s` |

| attempt | took | outcome | why |
| --- | --- | --- | --- |
| `gate-0` | `4.0 s` | `no capacity` | `No GPU left.` |
| `gate-1` | `5 min 00 s` | `tests failed` | `2 failed.` |
"""
    )
    assert render_gpu_summary(PASSED).startswith("## ✅ GPU gate: passed\n\n`12 tests passed on 1 GPU.`\n")
