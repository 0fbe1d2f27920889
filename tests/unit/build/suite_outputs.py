"""Outputs of suites, in the form that the recorder and pytest write."""

import json

from ci.build.suite_ports import SuiteOutput
from tests.junit_reports import case, junit_of


def lines(*events: dict[str, object]) -> str:
    """Return a record."""
    return "".join(f"{json.dumps(event)}\n" for event in events)


def started(test: str) -> dict[str, object]:
    """Return the line of a test that begins."""
    return {"event": "start", "test": test}


def phases(test: str, call: str = "passed", **fields: object) -> list[dict[str, object]]:
    """Return the lines of a test from its start to its end."""
    made: dict[str, object] = {"event": "phase", "test": test, "seconds": 0.5, "text": "", "expected_failure": False}
    return [
        started(test),
        {**made, "when": "setup", "outcome": "passed"},
        {**made, "when": "call", "outcome": call, **fields},
        {**made, "when": "teardown", "outcome": "passed"},
    ]


def collected(*tests: str) -> dict[str, object]:
    """Return the line that lists the tests."""
    return {"event": "collected", "tests": tests}


def end(code: int) -> dict[str, object]:
    """Return pytest's last line."""
    return {"event": "end", "exit_code": code}


def junit(*tests: str) -> str:
    """Return pytest's report of these tests."""
    return junit_of(*(case(test) for test in tests))


def run_output(exit_code: int, record: str, xml: str | None) -> SuiteOutput:
    """Return the output of a run."""
    return SuiteOutput(exit_code=exit_code, record=record, junit=xml, log="the log")


def passing_output(*tests: str) -> SuiteOutput:
    """Return the output of tests that pass."""
    events = [event for test in tests for event in phases(test)]
    return run_output(0, lines(collected(*tests), *events, end(0)), junit(*tests))


def failing_output(*tests: str) -> SuiteOutput:
    """Return the output of tests that fail."""
    events = [event for test in tests for event in phases(test, "failed", text="assert 1 == 2")]
    record = lines(collected(*tests), *events, end(1))
    return SuiteOutput(exit_code=1, record=record, junit=junit(*tests), log="the log of a failure")
