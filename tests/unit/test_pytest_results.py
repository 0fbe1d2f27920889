import pytest

from ci.pytest_results import ExitCode, JUnitOutcome, describe_exit_code, read_junit
from tests.junit_reports import case, junit, junit_of


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "all tests passed (pytest exit code 0)"),
        (1, "tests failed (pytest exit code 1)"),
        (5, "no tests collected (pytest exit code 5)"),
        (6, "too many warnings (pytest exit code 6)"),
        (9, "unknown pytest exit code 9"),
        (124, "timed out (exit code 124)"),
        (127, "command not found (exit code 127)"),
        (128, "unknown pytest exit code 128"),
        (137, "killed by SIGKILL, often out of memory (exit code 137)"),
        (159, "killed by signal 31 (exit code 159)"),
    ],
)
def test_an_exit_code_has_a_meaning(code: int, text: str) -> None:
    assert describe_exit_code(code) == text


def test_the_codes_are_those_of_the_pytest_that_runs_this() -> None:
    assert {int(code) for code in ExitCode} == {int(code) for code in pytest.ExitCode}


def test_tests_are_counted_by_outcome() -> None:
    report = read_junit(junit(passed=4, failed=3, errors=2, skipped=1))
    assert (report.passed, report.failed, report.errors, report.skipped) == (4, 3, 2, 1)
    assert report.bad_tests == tuple(f"test_gpu::test_{number}" for number in (4, 5, 6, 7, 8))


def test_a_test_counts_once_with_its_worst_outcome() -> None:
    report = read_junit(junit_of(case("a"), case("a", "<error/>"), case("a", "<failure/>"), case("b", "<skipped/>")))
    assert [(test.label, test.outcome) for test in report.tests] == [
        ("test_gpu::a", JUnitOutcome.ERROR),
        ("test_gpu::b", JUnitOutcome.SKIPPED),
    ]


def test_two_problems_of_one_test_count_as_the_worse() -> None:
    report = read_junit(junit_of(case("a", "<failure/><error/><system-out>x</system-out>")))
    assert [test.outcome for test in report.tests] == [JUnitOutcome.ERROR]


def test_one_name_in_two_classes_is_two_tests() -> None:
    assert len(read_junit(junit_of(case("a"), case("a", classname="other"), "<testcase/>")).tests) == 3


def test_a_stated_total_counts_where_it_is_higher() -> None:
    report = read_junit(junit_of(case("a"), case("b", "<failure/>"), failures=0, errors=2))
    assert (report.failed, report.errors) == (1, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"", "", b"<html>", b"\xff\xfe", b"<?xml version='1.0' encoding='nonsense'?><a/>",
        f'<testsuite failures="{"9" * 5000}"/>',
    ],
    ids=["empty", "empty text", "HTML", "bytes", "encoding", "huge total"],
)  # fmt: skip
def test_anything_else_is_an_error(content: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the parser's own words)
        read_junit(content)
