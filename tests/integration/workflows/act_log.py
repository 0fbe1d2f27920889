"""What act says of a run of a workflow, as values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

ANNOTATIONS = ("error", "warning", "notice")


class Step(NamedTuple):
    """A step that ran: its job, the text of its `run` or what it `uses`, and how it ended."""

    job: str
    text: str
    result: str


class Command(NamedTuple):
    """A line that GitHub takes for a command: `::error title=…::message`."""

    name: str
    properties: Mapping[str, str]
    message: str


class ActLog(NamedTuple):
    """Jobs that ran with their results, their names as GitHub shows them, steps, commands, summaries and output."""

    jobs: Mapping[str, str]
    names: Mapping[str, str]
    steps: Sequence[Step]
    commands: Sequence[Command]
    summary: str
    output: str


def read_log(text: str) -> ActLog:
    """Read the lines of `act --json`."""
    entries = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    ended = [entry for entry in entries if "jobResult" in entry]
    return ActLog(
        jobs={_job(entry): entry["jobResult"] for entry in ended},
        names={_job(entry): entry["job"].rpartition("/")[2].strip() for entry in ended},
        steps=[
            Step(_job(entry), entry["step"], entry["stepResult"])
            for entry in entries
            if entry.get("stage") == "Main" and "stepResult" in entry and len(entry["stepID"]) == 1
        ],
        commands=[
            Command(entry["command"], entry.get("kvPairs") or {}, entry.get("arg", ""))
            for entry in entries
            if entry.get("command", "summary") != "summary"
        ],
        summary="".join(entry["content"] for entry in entries if entry.get("command") == "summary"),
        output="".join(entry["msg"] for entry in entries if entry.get("raw_output")),
    )


def _job(entry: Mapping[str, Any]) -> str:
    """Return the id of a job in its workflow; that of the calling job for one of a workflow that is called.

    act has WORKFLOW/NAME, and CALLING JOB/WORKFLOW/NAME.
    """
    parts = entry["job"].split("/")
    return str(entry["jobID"] if len(parts) == 2 else parts[0])
