"""main.yml: who builds, who publishes, what is kept and shown, and what is red."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.workflows.harness import SECRETS, Answer, Ended, Runner
from tests.unit.reports.runs import RED, green

PULL_REQUEST = {"number": 7, "pull_request": {"base": {"ref": "main"}, "head": {"ref": "topic"}}}
NASTY = 'it\'s "due"\n$(touch PWNED) `touch PWNED` ; touch PWNED'


def push(runner: Runner, build: Answer | None = None, **more: object) -> Ended:
    """Push to main. `build` is how the build answers; without one, its report is green."""
    answers = {"build-report": build or Answer(report=runner.report(green()))}
    return runner.run("push", "main.yml", answers=answers, **more)  # type: ignore[arg-type]  # options of run


def files_of(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def pull_request(runner: Runner, **more: object) -> Ended:
    answers = {"build-report": Answer(report=runner.report(green()))}
    given: dict[str, object] = {"payload": PULL_REQUEST, "ref": "refs/pull/7/merge", "answers": answers}
    return runner.run("pull_request", "main.yml", **(given | more))  # type: ignore[arg-type]  # options of run


def test_a_push_publishes_keeps_and_shows_the_report_and_writes_the_wiki(runner: Runner) -> None:
    ended = push(runner)
    assert ended.code == 0, ended.raw
    assert (ended.log.jobs, ended.job("build")) == ({"publish": "success", "wiki": "success"}, "skipped")
    assert ended.names == ["build-report", "wiki"]
    build = ended.call("build-report")
    assert {"--publish", "--refresh=false", "--accept-growth=", "--registry="} <= set(build.words)
    assert build.option("registry-username") == SECRETS["REGISTRY_USERNAME"]
    assert build.option("registry-password") == "env:REGISTRY_PASSWORD"
    assert build.environment["REGISTRY_PASSWORD"] == SECRETS["REGISTRY_PASSWORD"]
    assert not any("--registry-service" in word for word in build.words)
    folder = Path(runner.folder, "report-0")
    kept = ended.kept / "report-1"
    assert files_of(kept) == files_of(folder)
    assert ended.log.summary == (folder / "summary.md").read_text()
    wiki = ended.call("wiki")
    assert wiki.option("url") == "https://github.com/owner/stack.wiki.git"
    assert wiki.option("token") == "env:GITHUB_TOKEN"
    assert wiki.environment["GITHUB_TOKEN"] == SECRETS["GITHUB_TOKEN"]


@pytest.mark.parametrize("secrets", [SECRETS, {}], ids=["own", "of a fork"])
def test_a_pull_request_builds_without_any_secret(runner: Runner, secrets: Mapping[str, str]) -> None:
    ended = pull_request(runner, secrets=secrets)
    assert ended.code == 0, ended.raw
    assert (ended.log.jobs, ended.log.names) == ({"build": "success"}, {"build": "build"})
    build = ended.call("build-report")
    assert build.words == ["call", "build-report", "-o", "report", "--registry="]
    assert not set(build.environment.values()) & set(SECRETS.values())
    assert (ended.kept / "report-1/report.html").exists()


@pytest.mark.parametrize(
    ("event", "variables", "inputs", "jobs"),
    [
        ("push", {}, {}, {}),
        ("push", {"BUILD_BRANCHES": "true"}, {}, {"build": "success"}),
        ("workflow_dispatch", {}, {"refresh": "true"}, {"build": "success"}),
    ],
    ids=["push", "push where branches are built", "by hand"],
)
def test_another_branch_is_built_by_hand_or_by_a_variable_and_never_published(
    runner: Runner, event: str, variables: Mapping[str, str], inputs: Mapping[str, str], jobs: Mapping[str, str]
) -> None:
    answers = {"build-report": Answer(report=runner.report(green()))}
    ended = runner.run(event, "main.yml", ref="refs/heads/topic", variables=variables, inputs=inputs, answers=answers)
    assert (ended.code, ended.log.jobs) == (0, jobs)
    assert all("--publish" not in call.words for call in ended.calls)
    # The check that a pull request requires is not the one of its branch.
    assert set(ended.log.names.values()) <= {"branch"}


@pytest.mark.parametrize(
    ("event", "inputs", "refresh"),
    [
        ("schedule", {}, "true"),
        ("workflow_dispatch", {"refresh": "true"}, "true"),
        ("workflow_dispatch", {"refresh": "false"}, "false"),
        ("workflow_dispatch", {}, "false"),
    ],
)
def test_what_refreshes(runner: Runner, event: str, inputs: Mapping[str, str], refresh: str) -> None:
    answers = {"build-report": Answer(report=runner.report(green()))}
    ended = runner.run(event, "main.yml", inputs=inputs, answers=answers)
    assert (ended.code, ended.call("build-report").option("refresh")) == (0, refresh)


def test_variables_choose_the_registry_and_leave_the_wiki_out(runner: Runner) -> None:
    variables = {"REGISTRY": "ghcr.io/me", "REGISTRY_SERVICE": "tcp://localhost:5050", "WIKI": "false"}
    ended = push(runner, variables=variables)
    build = ended.call("build-report")
    assert (build.option("registry"), build.option("registry-service")) == ("ghcr.io/me", "tcp://localhost:5050")
    assert (ended.code, ended.names) == (0, ["build-report"])
    build = pull_request(runner, variables=variables, environment={"GITHUB_RUN_ATTEMPT": "2"}).call("build-report")
    assert (build.option("registry"), build.option("registry-service")) == ("ghcr.io/me", "tcp://localhost:5050")


def test_an_input_is_one_argument_whatever_it_has(runner: Runner) -> None:
    answers = {"build-report": Answer(report=runner.report(green()))}
    ended = runner.run("workflow_dispatch", "main.yml", inputs={"accept-growth": NASTY}, answers=answers)
    assert ended.call("build-report").option("accept-growth") == NASTY
    assert not list(runner.folder.rglob("PWNED"))


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_a_red_report_is_kept_and_shown_and_ends_red(runner: Runner, event: str) -> None:
    red = Answer(report=runner.report(RED))
    ended = push(runner, red) if event == "push" else pull_request(runner, answers={"build-report": red})
    job = "publish" if event == "push" else "build"
    assert (ended.code, ended.log.jobs, ended.names) == (1, {job: "failure"}, ["build-report"])
    assert (ended.kept / "report-1/report.html").exists()
    assert ended.log.summary.startswith("## ❌")
    assert {command.name for command in ended.commands} == {"error"}
    assert any(command.properties.get("file") == "images/r-notebook/Dockerfile" for command in ended.commands)


def test_a_second_attempt_keeps_the_report_of_the_first(runner: Runner) -> None:
    first = push(runner, Answer(report=runner.report(RED)))
    second = push(runner, environment={"GITHUB_RUN_ATTEMPT": "2"})
    assert (first.code, second.code) == (1, 0)
    codes = {path.name: (path / "exit-code").read_text() for path in runner.kept.iterdir()}
    assert codes == {"report-1": "1\n", "report-2": "0\n"}


@pytest.mark.parametrize(("event", "job"), [("push", "publish"), ("pull_request", "build")])
@pytest.mark.parametrize("code", [0, 1], ids=["and no error", "and an error"])
def test_a_call_without_a_report_is_red_and_says_so(runner: Runner, event: str, job: str, code: int) -> None:
    answer = Answer(code=code, says="the engine is gone\n")
    ended = push(runner, answer) if event == "push" else pull_request(runner, answers={"build-report": answer})
    assert (ended.code, ended.log.jobs, ended.names) == (1, {job: "failure"}, ["build-report"])
    assert list(ended.kept.iterdir()) == []
    assert [step.result for step in ended.log.steps if "/upload-artifact@" in step.text] == ["failure"]
    (command,) = ended.commands
    assert command.properties == {"title": "no report"}
    assert command.message.startswith("report/annotations.txt does not exist")


def test_an_artifact_that_is_not_kept_is_red_and_the_report_is_shown(runner: Runner) -> None:
    (runner.kept / "report-1").mkdir()
    ended = push(runner)
    assert (ended.code, ended.log.jobs) == (1, {"publish": "failure"})
    assert ended.log.summary.startswith("## ✅")


def test_a_red_wiki_is_red_by_itself(runner: Runner) -> None:
    answers = {"build-report": Answer(report=runner.report(green())), "wiki": Answer(code=1)}
    ended = runner.run("push", "main.yml", answers=answers)
    assert (ended.code, ended.log.jobs) == (1, {"publish": "success", "wiki": "failure"})


def test_secrets_are_masked(runner: Runner) -> None:
    said = f"login with {SECRETS['REGISTRY_PASSWORD']}\n"
    ended = push(runner, Answer(report=runner.report(green()), prints=said))
    assert "login with ***\n" in ended.log.output
    assert SECRETS["REGISTRY_PASSWORD"] not in ended.raw
