"""wide.yml: each share is built, whatever became of the others; all are gathered, and what was kept is not lost."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.integration.workflows.harness import SECRETS, Answer, Ended, Runner
from tests.integration.workflows.test_main import NASTY
from tests.unit.reports.runs import RED, green

TRUNK, BRANCHES = ("trunk-1", "trunk-2"), ("branch-1", "branch-2")
SHARES = (*TRUNK, *BRANCHES)
ROUNDS = ("divide", "trunk", "branches", "gather", "wiki")
ROUND_OF = {**dict.fromkeys(TRUNK, "trunk"), **dict.fromkeys(BRANCHES, "branches")}
DIVISION = '{"created": "2026-11-25T07:00:00+00:00"}'
SUMMARY = "## 4 images on up to 2 machines\n"


def division(runner: Runner, trunk: Sequence[str] = TRUNK, branches: Sequence[str] = BRANCHES) -> Answer:
    """Return the answer of `divide`."""
    folder = runner.folder / "division"
    folder.mkdir(exist_ok=True)
    names = [f"{name}={json.dumps(own, separators=(',', ':'))}\n" for name, own in
             (("trunk", trunk), ("branches", branches))]  # fmt: skip
    for name, text in (("shares.json", DIVISION), ("outputs", "".join(names)), ("summary.md", SUMMARY)):
        (folder / name).write_text(text)
    return Answer(report=str(folder))


def wide(runner: Runner, answers: Mapping[str, Answer] | None = None, **more: object) -> Ended:
    """Run it, with reports that are green where no answer says otherwise."""
    passed = Answer(report=runner.report(green()))
    given = dict.fromkeys(("gather", *calls(*SHARES)), passed) | dict(answers or {})
    if "divide" not in given:
        given["divide"] = division(runner)
    return runner.run("workflow_dispatch", "wide.yml", answers=given, **more)  # type: ignore[arg-type]  # options of run


def red(runner: Runner) -> Answer:
    return Answer(report=runner.report(RED))


def kept(runner: Runner) -> Mapping[str, str]:
    """Return the exit codes of the reports that were kept."""
    return {path.parent.name: path.read_text().strip() for path in runner.kept.glob("*/exit-code")}


def calls(*shares: str) -> list[str]:
    return sorted(f"build-share {share}" for share in shares)


def result(*failed: str, skipped: Sequence[str] = ()) -> Mapping[str, str]:
    """Return how rounds end; act is silent on those that were skipped."""
    return {job: "failure" if job in failed else "success" for job in ROUNDS if job not in skipped}


def rounds(ended: Ended) -> Mapping[str, str]:
    """Return how rounds ended: act gives the result of one job of a matrix to those that end after it."""
    found: dict[str, str] = {}
    for job, outcome in ended.log.jobs.items():
        name = job.partition(" ")[0]
        found[name] = "failure" if "failure" in {outcome, found.get(name)} else outcome
    return found


def test_shares_are_built_by_rounds_and_gathered(runner: Runner) -> None:
    ended = wide(runner, inputs={"machines": "5", "refresh": "true", "accept-growth": NASTY})
    assert (ended.code, rounds(ended)) == (0, result()), ended.raw
    assert [ended.names[0], sorted(ended.names[1:3]), sorted(ended.names[3:5]), *ended.names[5:]] == [
        "divide", calls(*TRUNK), calls(*BRANCHES), "gather", "wiki",
    ]  # fmt: skip
    divide, gather = ended.call("divide"), ended.call("gather")
    assert {"--machines=5", "--refresh=true", "--registry="} <= set(divide.words)
    assert gather.option("accept-growth") == NASTY
    assert not list(runner.folder.rglob("PWNED"))
    for call in (call for call in ended.calls if call.name != "wiki"):
        assert call.option("registry-username") == SECRETS["REGISTRY_USERNAME"]
        assert call.option("registry-password") == "env:REGISTRY_PASSWORD"
        assert call.environment["REGISTRY_PASSWORD"] == SECRETS["REGISTRY_PASSWORD"]
        assert not any("--registry-service" in word for word in call.words)
    assert {ended.call(name).read for name in calls(*SHARES)} == {DIVISION}
    assert {Path(name).parts[0] for name in gather.read.splitlines()} == {"shares-1", *(f"share-{n}-1" for n in SHARES)}
    assert kept(runner) == {"report-1": "0", **{f"share-{name}-1": "0" for name in SHARES}}
    assert ended.log.summary.startswith(SUMMARY)


def test_without_inputs_eight_machines_build_what_changed(runner: Runner) -> None:
    variables = {"REGISTRY": "ghcr.io/me", "REGISTRY_SERVICE": "tcp://localhost:5050", "WIKI": "false"}
    ended = wide(runner, variables=variables)
    assert (ended.code, rounds(ended)) == (0, result(skipped=["wiki"])), ended.raw
    assert {"--machines=8", "--refresh=false"} <= set(ended.call("divide").words)
    for call in ended.calls:
        assert (call.option("registry"), call.option("registry-service")) == ("ghcr.io/me", "tcp://localhost:5050")


def test_only_main_is_published(runner: Runner) -> None:
    ended = wide(runner, ref="refs/heads/topic")
    # act, unlike GitHub, reads the matrix of a job that is skipped, and finds none.
    assert (ended.job("divide"), ended.job("gather"), ended.calls) == ("skipped", "skipped", []), ended.raw


@pytest.mark.parametrize(
    ("trunk", "branches"),
    [(TRUNK, ()), ((), BRANCHES), ((), ())],
    ids=["no branches", "no trunk", "all is reused"],
)
def test_a_round_without_shares_is_left_out(runner: Runner, trunk: Sequence[str], branches: Sequence[str]) -> None:
    ended = wide(runner, {"divide": division(runner, trunk, branches)})
    without = [name for name, shares in (("trunk", trunk), ("branches", branches)) if not shares]
    assert (ended.code, rounds(ended)) == (0, result(skipped=without)), ended.raw
    assert sorted(ended.names) == sorted(["divide", *calls(*trunk, *branches), "gather", "wiki"])


@pytest.mark.parametrize("share", ["trunk-1", "branch-1"])
def test_a_red_share_stops_no_other_and_is_gathered(runner: Runner, share: str) -> None:
    ended = wide(runner, {f"build-share {share}": red(runner), "gather": red(runner)})
    failed = ROUND_OF[share]
    assert (ended.code, rounds(ended)) == (1, result(failed, "gather", skipped=["wiki"])), ended.raw
    assert sorted(ended.names) == sorted(["divide", *calls(*SHARES), "gather"])
    assert f"share-{share}-1/report.json" in ended.call("gather").read
    assert kept(runner) == {"report-1": "1", **{f"share-{name}-1": "1" if name == share else "0" for name in SHARES}}
    assert "## ❌" in ended.log.summary
    assert {command.name for command in ended.commands} == {"error"}


@pytest.mark.parametrize("share", ["trunk-2", "branch-2"])
@pytest.mark.parametrize("code", [0, 1], ids=["and no error", "and an error"])
def test_a_share_without_a_report_is_red_says_so_and_is_gathered(runner: Runner, share: str, code: int) -> None:
    ended = wide(runner, {f"build-share {share}": Answer(code=code), "gather": red(runner)})
    failed = ROUND_OF[share]
    assert (ended.code, rounds(ended)) == (1, result(failed, "gather", skipped=["wiki"])), ended.raw
    assert sorted(ended.names) == sorted(["divide", *calls(*SHARES), "gather"])
    assert share not in ended.call("gather").read
    assert set(kept(runner)) == {"report-1", *(f"share-{name}-1" for name in SHARES if name != share)}
    assert [one.message for one in ended.commands if one.properties == {"title": "no report"}] == [
        "report/annotations.txt does not exist: the call that writes the report ended before. Its log says why."
    ]


def test_a_red_share_whose_images_are_there_by_now_publishes(runner: Runner) -> None:
    """gather asks the registry: another run may have uploaded what this share could not."""
    ended = wide(runner, {"build-share branch-1": red(runner)})
    assert (ended.code, rounds(ended)) == (1, result("branches")), ended.raw


def test_a_red_gather_is_kept_shown_and_ends_red(runner: Runner) -> None:
    ended = wide(runner, {"gather": red(runner)})
    assert (ended.code, rounds(ended)) == (1, result("gather", skipped=["wiki"])), ended.raw
    assert kept(runner)["report-1"] == "1"
    assert any(command.properties.get("file") == "images/r-notebook/Dockerfile" for command in ended.commands)


@pytest.mark.parametrize("code", [0, 1], ids=["and no error", "and an error"])
def test_without_a_division_nothing_is_built(runner: Runner, code: int) -> None:
    ended = wide(runner, {"divide": Answer(code=code, says="a repository cannot be written to\n")})
    assert (ended.code, ended.log.jobs, ended.names) == (1, {"divide": "failure"}, ["divide"]), ended.raw
    assert list(runner.kept.iterdir()) == []
    assert [command.properties for command in ended.commands] == [{"title": "not divided"}]


def test_a_second_attempt_has_the_division_of_the_first_and_the_reports_of_both(runner: Runner) -> None:
    """As "Re-run failed jobs": what divide gave stays as it was, and so does what was kept."""
    first = wide(runner, {"build-share branch-2": red(runner), "gather": red(runner)})
    assert first.code == 1
    file = runner.repository.root / ".github/workflows/wide.yml"
    text = file.read_text()
    assert text.count("shares: shares-${{ github.run_attempt }}") == 1
    file.write_text(text.replace("shares: shares-${{ github.run_attempt }}", "shares: shares-1"))
    second = wide(runner, environment={"GITHUB_RUN_ATTEMPT": "2"})
    assert (second.code, rounds(second)) == (0, result()), second.raw
    assert {second.call(name).read for name in calls(*SHARES)} == {DIVISION}
    seen = {Path(name).parts[0] for name in second.call("gather").read.splitlines()}
    assert {"share-branch-2-1", "share-branch-2-2"} <= seen
    assert not any(name.startswith("report-") for name in seen)
    codes = kept(runner)
    assert (codes["share-branch-2-1"], codes["share-branch-2-2"], codes["report-1"], codes["report-2"]) == (
        "1", "0", "1", "0",
    )  # fmt: skip


def test_a_run_that_is_cancelled_gathers_nothing(runner: Runner) -> None:
    """In its first job: act does not carry a cancellation over to the next jobs."""
    ended = wide(runner, {"divide": division(runner)._replace(seconds=3)}, interrupt_at="divide")
    assert (ended.code != 0, ended.job("gather"), ended.job("wiki")) == (True, "skipped", "skipped")
    assert not {"gather", "wiki"} & set(ended.names)


def test_secrets_are_masked(runner: Runner) -> None:
    said = f"login with {SECRETS['REGISTRY_PASSWORD']}\n"
    loud = {call: Answer(report=runner.report(green()), prints=said) for call in (*calls(*SHARES), "gather")}
    ended = wide(runner, {**loud, "divide": division(runner)._replace(prints=said)})
    assert (ended.code, ended.log.output.count("login with ***\n")) == (0, 6)
    assert SECRETS["REGISTRY_PASSWORD"] not in ended.raw
