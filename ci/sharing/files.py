"""`shares.json` and `report.json` as texts."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from ci.errors import RequestError
from ci.results import RunReport
from ci.sharing.gathering import newest_reports
from ci.sharing.model import Shares

SHARES = "shares.json"
REPORT = "report.json"
_Document = TypeVar("_Document", Shares, RunReport)


def read_shares(text: str) -> Shares:
    """Read `shares.json`. Raises RequestError."""
    return _read(text, Shares, SHARES, "Give the file that `divide` of this version of the module made.")


def read_kept(texts: Mapping[str, str]) -> tuple[Shares, Mapping[str, RunReport]]:
    """Read what the machines left, by path: the newest division, and all reports.

    Raises RequestError with all problems.
    """
    divisions: list[Shares] = []
    reports: dict[str, RunReport] = {}
    problems: list[str] = []
    for path, text in sorted(texts.items()):
        try:
            if path.rpartition("/")[2] == SHARES:
                divisions.append(_read(text, Shares, path, "It is not of this version of the module."))
            else:
                reports[path] = _read(text, RunReport, path, "It is not a report of this version of the module.")
        except RequestError as error:
            problems.append(str(error))
    if not divisions and not problems:
        problems.append(f"There is no {SHARES} among what was kept: add the folder that `divide` made.")
    if problems:
        raise RequestError("\n".join(problems))
    return max(divisions, key=lambda one: one.created), reports


def log_folders(shares: Shares, reports: Mapping[str, RunReport], folders: Sequence[str]) -> Mapping[str, str]:
    """Return the paths of the folders that tests wrote, by `image/origin-kind`: of each share, those of its last run.

    `reports` and `folders` are by their paths in what was kept.
    """
    newest = newest_reports(shares, reports.values())
    owners = shares.division.owners
    found: dict[str, str] = {}
    for path, report in reports.items():
        if newest.get(report.share) is not report:
            continue
        logs = f"{path.removesuffix(REPORT)}logs/"
        for folder in folders:
            name = folder.removeprefix(logs)
            image = name.partition("/")[0]
            if folder.startswith(logs) and image in owners and owners[image].name == report.share:
                found[name] = folder
    return found


def _read(text: str, kind: type[_Document], path: str, advice: str) -> _Document:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise RequestError(f"{path} cannot be read: {error}. {advice}") from error
