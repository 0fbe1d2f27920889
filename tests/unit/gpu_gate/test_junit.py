import pytest

from ci.gpu_gate.evaluate import read_tests
from ci.gpu_gate.verdict import GpuTests
from tests.junit_reports import case, junit_of


def report(*cases: str, **totals: int) -> bytes:
    return junit_of(*cases, **totals).encode()


@pytest.mark.parametrize(
    ("content", "tests"),
    [
        pytest.param(report(), GpuTests(), id="none"),
        pytest.param(report(case("a"), case("b", "<skipped/>")), GpuTests(passed=1, skipped=1), id="skipped"),
        pytest.param(
            report(case("a", "<failure/>"), case("b", "<error/>")),
            GpuTests(failed=1, errors=1, failures=("test_gpu::a", "test_gpu::b")), id="failed",
        ),
        pytest.param(report(case("a"), case("a"), case("a")), GpuTests(passed=1), id="rerun"),
        pytest.param(report(case("a"), case("a", classname="b")), GpuTests(passed=2), id="one name, two classes"),
        pytest.param(
            report(case("a"), case("a", "<error/>")), GpuTests(errors=1, failures=("test_gpu::a",)), id="teardown fails"
        ),
        pytest.param(report(case("a", "<system-out>x</system-out>")), GpuTests(passed=1), id="output"),
        pytest.param(
            report(case("a"), failures=2, errors=1),
            GpuTests(passed=1, failed=2, errors=1, failures=("a test without a name",)), id="only the totals say so",
        ),
        pytest.param(report(case("a"), failures=0), GpuTests(passed=1), id="the totals agree"),
    ],
)  # fmt: skip
def test_tests_are_counted(content: bytes, tests: GpuTests) -> None:
    assert read_tests(content) == tests


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b"<?xml version='1.0' encoding='nonsense'?><a/>"])
def test_an_unreadable_report_has_no_tests(content: bytes) -> None:
    assert read_tests(content) is None


def test_not_all_names_are_kept() -> None:
    tests = read_tests(report(*(case(str(number), "<failure/>") for number in range(99))))
    assert tests
    assert (tests.failed, len(tests.failures)) == (99, 50)
