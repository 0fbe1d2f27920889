"""What act says of a run of a workflow, as values."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_COMMAND = re.compile(r"^::([a-z-]+)(?: ([^\n]*?))?::([^\r\n]*)\r?$", re.MULTILINE)


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
    """Jobs that ran with their results, their names as GitHub shows them, steps, summaries and masked output."""

    jobs: Mapping[str, str]
    names: Mapping[str, str]
    steps: Sequence[Step]
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
        summary="".join(entry["content"] for entry in entries if entry.get("command") == "summary"),
        output="".join(entry["msg"] for entry in entries if entry.get("raw_output")),
    )


def _job(entry: Mapping[str, Any]) -> str:
    """Return the id of a job in its workflow; that of the calling job for one of a workflow that is called.

    act has WORKFLOW/NAME, and CALLING JOB/WORKFLOW/NAME. Jobs of a matrix are called as GitHub does: `trunk (trunk-1)`.
    """
    parts = entry["job"].split("/")
    values = ", ".join(map(str, (entry.get("matrix") or {}).values()))
    return str((f"{entry['jobID']} ({values})" if values else entry["jobID"]) if len(parts) == 2 else parts[0])


def commands_in(output: str) -> Sequence[Command]:
    """Return the lines that GitHub takes for commands, in what steps printed."""
    return [
        Command(found[1], dict(pair.split("=", 1) for pair in (found[2] or "").split(",") if pair), _plain(found[3]))
        for found in _COMMAND.finditer(output)
    ]


def _plain(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
