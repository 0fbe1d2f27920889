import pytest

from ci.build.suite_ports import SuiteOutput
from ci.build.suite_verdict import judge, with_rerun
from ci.suite_results import SuiteOutcome, TestOutcome
from tests.unit.build.suite_outputs import (
    collected,
    end,
    failing_output,
    junit,
    lines,
    passing_output,
    phases,
    run_output,
    started,
)

LIMIT = 900.0
RUNNING = lines(collected("a", "b"), *phases("a"), started("b"))


def test_a_whole_green_run_passes() -> None:
    verdict = judge(passing_output("a", "b"), LIMIT)
    assert (verdict.outcome, verdict.why) == (SuiteOutcome.PASSED, "")
    assert [(test.name, test.outcome, test.seconds) for test in verdict.tests] == [
        ("a", TestOutcome.PASSED, 1.5),
        ("b", TestOutcome.PASSED, 1.5),
    ]


@pytest.mark.parametrize(
    ("output", "outcome", "why"),
    [
        pytest.param(failing_output("a"), SuiteOutcome.FAILED, "1 test failed", id="a failure"),
        pytest.param(run_output(0, RUNNING, None), SuiteOutcome.ERROR,
                     "stopped midway with exit code 0 while b was running", id="os._exit(0)"),
        pytest.param(run_output(139, RUNNING, None), SuiteOutcome.ERROR,
                     "killed by SIGSEGV, a segmentation fault (exit code 139) while b was running", id="segfault"),
        pytest.param(run_output(137, RUNNING, None), SuiteOutcome.ERROR,
                     "killed by SIGKILL, often out of memory (exit code 137) while b was running", id="killed"),
        pytest.param(run_output(124, RUNNING + lines(end(2)), junit("a")), SuiteOutcome.ERROR,
                     "timed out after 900 s while b was running", id="time"),
        pytest.param(run_output(5, lines(collected(), end(5)), junit()), SuiteOutcome.EMPTY,
                     "no tests collected", id="no tests"),
        pytest.param(run_output(2, lines({"event": "not collected", "where": "t.py", "text": "no x"}, end(2)), junit()),
                     SuiteOutcome.ERROR, "cannot collect t.py: no x", id="collection error"),
        pytest.param(run_output(2, lines(collected("a"), end(2)), junit()), SuiteOutcome.ERROR,
                     "interrupted (pytest exit code 2)", id="interrupted"),
        pytest.param(run_output(3, lines(collected("a"), *phases("a"), end(3)), None), SuiteOutcome.ERROR,
                     "internal error (pytest exit code 3)", id="internal error"),
        pytest.param(run_output(4, lines(end(4)), None), SuiteOutcome.ERROR,
                     "usage error (pytest exit code 4)", id="usage"),
        pytest.param(run_output(6, lines(collected("a"), *phases("a"), end(6)), junit("a")), SuiteOutcome.ERROR,
                     "too many warnings (pytest exit code 6)", id="warnings"),
        pytest.param(run_output(9, lines(collected("a"), *phases("a"), end(9)), junit("a")), SuiteOutcome.ERROR,
                     "unknown pytest exit code 9", id="unknown code"),
        pytest.param(run_output(0, lines(collected("a"), *phases("a"), end(1)), junit("a")), SuiteOutcome.ERROR,
                     "pytest ended with exit code 1, but its process with 0", id="codes differ"),
        pytest.param(run_output(0, lines(collected("a"), *phases("a"), end(0)), None), SuiteOutcome.ERROR,
                     "no JUnit report", id="no JUnit"),
        pytest.param(run_output(0, lines(collected("a", "b"), *phases("a"), *phases("b"), end(0)), junit("a")),
                     SuiteOutcome.ERROR, "the JUnit report has 1 tests, but 2 were collected", id="short JUnit"),
        pytest.param(run_output(0, lines(collected("a", "b"), *phases("a"), end(0)), junit("a")), SuiteOutcome.ERROR,
                     "1 of 2 tests never ran, the first b", id="short record"),
        pytest.param(run_output(0, lines(collected("a"), *phases("a", "failed"), end(0)), junit("a")),
                     SuiteOutcome.ERROR, "exit code 0 contradicts the recorded test results", id="code 0, failed test"),
        pytest.param(run_output(1, lines(collected("a"), *phases("a"), end(1)), junit("a")), SuiteOutcome.ERROR,
                     "exit code 1 contradicts the recorded test results", id="code 1, no failed test"),
        pytest.param(run_output(0, lines(collected("a"), *phases("a", "skipped", text="no GPU"), end(0)), junit("a")),
                     SuiteOutcome.FAILED, "no test passed: all were skipped", id="all skipped"),
        pytest.param(run_output(127, "", None), SuiteOutcome.ERROR,
                     "the image has no python3: its tests cannot run inside it", id="no Python"),
        pytest.param(run_output(71, "", None), SuiteOutcome.ERROR,
                     "the image's python3 is older than 3.9: its tests cannot run inside it", id="old Python"),
        pytest.param(run_output(0, "", None), SuiteOutcome.ERROR,
                     "stopped midway with exit code 0", id="nothing at all"),
    ],
)  # fmt: skip
def test_without_proof_a_suite_is_not_green(output: SuiteOutput, outcome: SuiteOutcome, why: str) -> None:
    verdict = judge(output, LIMIT)
    assert (verdict.outcome, verdict.why) == (outcome, why)


def test_an_unreadable_junit_report_is_an_error() -> None:
    output = run_output(0, lines(collected("a"), *phases("a"), end(0)), "<testsuites><test")
    verdict = judge(output, LIMIT)
    assert verdict.outcome is SuiteOutcome.ERROR
    assert verdict.why.startswith("cannot read the JUnit report: ")


def test_half_a_last_line_of_the_record_is_skipped() -> None:
    verdict = judge(run_output(137, RUNNING + '{"event": "pha', None), LIMIT)
    assert verdict.why.endswith("while b was running")


@pytest.mark.parametrize("line", ['{"event": "odd"}', "[]", '{"event": "phase", "test": 1}', "nonsense"])
def test_a_line_that_the_recorder_did_not_write_is_skipped_and_proves_nothing(line: str) -> None:
    assert judge(run_output(0, f"{line}\n", junit()), LIMIT).outcome is SuiteOutcome.ERROR
    whole = passing_output("a")
    assert judge(run_output(0, f"{line}\n{whole.record}", whole.junit), LIMIT).outcome is SuiteOutcome.PASSED


def test_a_failed_call_is_not_forgotten_at_teardown() -> None:
    verdict = judge(failing_output("a"), LIMIT)
    assert [(test.outcome, test.text) for test in verdict.tests] == [(TestOutcome.FAILED, "assert 1 == 2")]


def test_skips_and_expected_failures_are_counted() -> None:
    events = [*phases("a"), *phases("b", "skipped", text="why"), *phases("c", "skipped", expected_failure=True)]
    verdict = judge(run_output(0, lines(collected("a", "b", "c"), *events, end(0)), junit("a", "b", "c")), LIMIT)
    assert verdict.outcome is SuiteOutcome.PASSED
    assert [test.outcome for test in verdict.tests] == [TestOutcome.PASSED, TestOutcome.SKIPPED, TestOutcome.XFAILED]


def test_a_fixture_that_fails_is_an_error_of_its_test() -> None:
    events = [started("a"), phases("a", "failed")[1] | {"outcome": "failed", "text": "no server"}]
    verdict = judge(run_output(1, lines(collected("a"), *events, end(1)), junit("a")), LIMIT)
    assert verdict.outcome is SuiteOutcome.FAILED
    assert [(test.outcome, test.text) for test in verdict.tests] == [(TestOutcome.ERROR, "no server")]


def test_a_test_that_passes_when_rerun_is_flaky() -> None:
    first = judge(failing_output("a", "b"), LIMIT)
    assert [test.outcome for test in with_rerun(first, judge(passing_output("a", "b"), LIMIT)).tests] == [
        TestOutcome.FLAKY, TestOutcome.FLAKY,
    ]  # fmt: skip
    half = with_rerun(first, judge(passing_output("a"), LIMIT))
    assert (half.outcome, half.why) == (SuiteOutcome.FAILED, "1 test failed")


def test_a_rerun_that_breaks_saves_nothing() -> None:
    verdict = with_rerun(judge(failing_output("a"), LIMIT), judge(run_output(139, "", None), LIMIT))
    assert verdict.outcome is SuiteOutcome.FAILED
    assert verdict.why.startswith("1 test failed; rerun: killed by SIGSEGV, a segmentation fault")
