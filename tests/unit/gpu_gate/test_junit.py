import pytest

from ci.gpu_gate.transcript import read_tests
from ci.gpu_gate.verdict import GpuTests


def suite(*cases: str, **counts: int) -> bytes:
    told = "".join(f' {name}="{count}"' for name, count in counts.items())
    return f"<testsuites><testsuite{told}>{''.join(cases)}</testsuite></testsuites>".encode()


def case(name: str, end: str = "", place: str = "test_a") -> str:
    return f'<testcase classname="{place}" name="{name}">{end}</testcase>'


@pytest.mark.parametrize(
    ("content", "tests"),
    [
        pytest.param(suite(), GpuTests(), id="none"),
        pytest.param(suite(case("a"), case("b", "<skipped/>")), GpuTests(passed=1, skipped=1), id="skipped"),
        pytest.param(
            suite(case("a", "<failure/>"), case("b", "<error/>")),
            GpuTests(failed=1, errors=1, failures=("test_a::a", "test_a::b")), id="failed",
        ),
        pytest.param(suite(case("a"), case("a"), case("a")), GpuTests(passed=1), id="run again"),
        pytest.param(suite(case("a"), case("a", place="b")), GpuTests(passed=2), id="one name, two places"),
        pytest.param(
            suite(case("a"), case("a", "<error/>")), GpuTests(errors=1, failures=("test_a::a",)), id="teardown fails"
        ),
        pytest.param(suite(case("a", "<system-out>x</system-out>")), GpuTests(passed=1), id="output"),
        pytest.param(
            suite(case("a"), failures=2, errors=1),
            GpuTests(passed=1, failed=2, errors=1, failures=("a test without a name",)), id="only the suite tells",
        ),
        pytest.param(suite(case("a"), failures=0), GpuTests(passed=1), id="the suite agrees"),
    ],
)  # fmt: skip
def test_tests_are_counted(content: bytes, tests: GpuTests) -> None:
    assert read_tests(content) == tests


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b"<?xml version='1.0' encoding='nonsense'?><a/>"])
def test_what_is_no_report_has_no_tests(content: bytes) -> None:
    assert read_tests(content) is None


def test_not_all_names_are_kept() -> None:
    tests = read_tests(suite(*(case(str(number), "<failure/>") for number in range(99))))
    assert tests
    assert (tests.failed, len(tests.failures)) == (99, 50)
