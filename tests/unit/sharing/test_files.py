"""What the machines leave is read wherever it is kept; what cannot be read is named, all at once."""

import msgspec
import pytest

from ci.errors import RequestError
from ci.planning.plan import Plan
from ci.results import RunReport
from ci.sharing.files import log_folders, read_kept, read_shares
from ci.sharing.model import Division, Share, Shares

TRUNK = Share(name="trunk-1", images=("base",), needs=(), seconds=1)
BRANCH = Share(name="branch-1", images=("ds",), needs=("base",), seconds=1)
SHARES = Shares(
    commit="c" * 40,
    created="2026-11-25T07:00:00+00:00",
    registry="docker.io/ucsdets",
    keys={},
    plan=Plan(images=()),
    division=Division(trunk=(TRUNK,), branches=(BRANCH,), expected=1, alone=2),
)


def report(share: str, minute: int, divided: str = SHARES.created) -> RunReport:
    started = f"2026-11-25T07:{minute:02}:00+00:00"
    return RunReport(
        plan=Plan(images=()),
        images=(),
        started=started,
        seconds=1,
        jobs=1,
        commit="c" * 40,
        share=share,
        divided=divided,
    )


def text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def test_the_newest_division_counts_wherever_it_is() -> None:
    later = msgspec.structs.replace(SHARES, created="2026-11-25T08:00:00+00:00")
    texts = {"a/shares.json": text(later), "b/c/shares.json": text(SHARES), "x/report.json": text(report("trunk-1", 1))}
    shares, reports = read_kept(texts)
    assert shares == later
    assert reports == {"x/report.json": report("trunk-1", 1)}


@pytest.mark.parametrize("kept", ["{", "[]", '{"commit": 1}'])
def test_what_is_no_division_is_refused(kept: str) -> None:
    with pytest.raises(RequestError, match="Give the file that `divide` of this version of the module made"):
        read_shares(kept)


def test_all_that_cannot_be_read_is_named() -> None:
    with pytest.raises(RequestError) as error:
        read_kept({"a/report.json": "{", "b/report.json": "[]", "shares.json": text(SHARES)})
    lines = str(error.value).splitlines()
    assert [line.partition(" cannot be read: ")[0] for line in lines] == ["a/report.json", "b/report.json"]
    with pytest.raises(RequestError, match=r"^There is no shares\.json among what was kept: add the folder"):
        read_kept({})


def test_log_folders_are_those_of_the_last_run_of_their_owner() -> None:
    reports = {
        "first/report.json": report("trunk-1", 1),
        "again/report.json": report("trunk-1", 2),
        "branch/report.json": report("branch-1", 3),
        "old/report.json": report("branch-1", 4, divided="2026-11-24T07:00:00+00:00"),
    }
    folders = [
        f"{where}/logs/{name}/x-server" for where in ("first", "again", "branch", "old") for name in ("base", "ds")
    ]
    assert log_folders(SHARES, reports, folders) == {
        "base/x-server": "again/logs/base/x-server",
        "ds/x-server": "branch/logs/ds/x-server",
    }
    at_the_top = {"report.json": report("trunk-1", 1)}
    assert log_folders(SHARES, at_the_top, ["logs/base/x-server"]) == {"base/x-server": "logs/base/x-server"}
