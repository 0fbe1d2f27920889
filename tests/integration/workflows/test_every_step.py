"""Every `run` of every workflow is executed by these tests, and no run leaves a secret."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.integration.workflows.harness import ROOT, SECRETS, Answer, Ended, Runner
from tests.integration.workflows.test_release import CHANGELOG, PROJECT, TAG
from tests.integration.workflows.test_wide import division
from tests.repo.workflow_files import read_workflows
from tests.unit.reports.runs import RED, green


class Scenario(NamedTuple):
    """An event that runs a workflow to its end, in which all of its steps may run."""

    event: str
    file: str
    ref: str = "refs/heads/main"
    inputs: tuple[tuple[str, str], ...] = ()


SCENARIOS = (
    Scenario("pull_request", "main.yml", ref="refs/pull/7/merge"),
    Scenario("push", "main.yml"),
    Scenario("workflow_dispatch", "tag.yml", inputs=(("tag", "2026.4-a1239ab"), ("dry-run", "false"))),
    Scenario("workflow_dispatch", "rollback.yml", inputs=(("tag", "2026.4-stable"), ("dry-run", "false"))),
    Scenario("push", "check.yml"),
    Scenario("schedule", "pins.yml"),
    Scenario("push", "release.yml", ref=TAG),
    Scenario("workflow_dispatch", "wide.yml"),
    Scenario("workflow_dispatch", "tidy.yml", inputs=(("delete", "true"),)),
)
UNRUN = "      - if: ${{ runner.os == 'Plan 9' }}\n        run: echo never\n"
LEAK = (
    '      - run: echo "$REGISTRY_PASSWORD"\n        env: { REGISTRY_PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}" }\n'
)


def run_all(runner: Runner, scenarios: Sequence[Scenario] = SCENARIOS) -> Iterator[Ended]:
    """Run them one after another, each as an attempt of its own, and every build red: its report has the most text."""
    runner.repository.commit(**{"pyproject.toml": PROJECT, "CHANGELOG.md": CHANGELOG, "images/pins": "uv 0\n"})
    runner.repository.commit(**{"images/update-pins": "#!/bin/sh\nuv --version > images/pins\n"})
    runner.repository.git("init", "--quiet", "--bare", str(runner.folder / "origin.git"))
    runner.repository.git("remote", "add", "origin", str(runner.folder / "origin.git"))
    for number, (event, file, ref, inputs) in enumerate(scenarios):
        report = RED if event == "pull_request" else green()
        shares = ("build-share trunk-1", "build-share branch-1", "gather")
        answers = {
            "gh pr list": Answer(prints="0\n"),
            "divide": division(runner, ["trunk-1"], ["branch-1"]),
            **dict.fromkeys(("build-report", *shares), Answer(report=runner.report(report))),
        }
        attempt = {"GITHUB_RUN_ATTEMPT": str(number)}
        yield runner.run(event, file, ref=ref, inputs=dict(inputs), answers=answers, environment=attempt)


def run_texts(root: Path) -> set[str]:
    """Return the text of every `run` of every workflow."""
    return {
        step["run"]
        for workflow in read_workflows(root).values()
        for job in workflow["jobs"].values()
        for step in job.get("steps", [])
        if "run" in step
    }


def executed(runs: Sequence[Ended]) -> set[str]:
    """Return the texts of the steps that act has executed, those of actions aside."""
    return {step.text for ended in runs for step in ended.log.steps if not step.text.startswith("actions/")}


def secrets_in(runner: Runner, runs: Sequence[Ended]) -> list[str]:
    """Return the secrets that a run printed, masked or not, or kept. The name of a user is none."""
    kept = [path.read_text() for path in runner.kept.rglob("*") if path.is_file()]
    texts = [*kept, *(text for ended in runs for text in (ended.raw, ended.output, ended.log.summary))]
    lines = {line for name, value in SECRETS.items() if name != "REGISTRY_USERNAME" for line in value.split("\n")}
    return sorted(line for line in lines if any(line in text for text in texts))


def test_every_step_is_executed_and_no_secret_is_left(runner: Runner) -> None:
    runs = list(run_all(runner))
    assert [ended.code for ended in runs] == [1, *[0] * (len(SCENARIOS) - 1)]
    assert executed(runs) == run_texts(ROOT)
    assert len(list(runner.kept.iterdir())) == 6  # two reports; of the machines, a division and three reports
    assert secrets_in(runner, runs) == []


def test_a_step_that_is_not_executed_and_a_secret_that_is_left_are_found(runner: Runner) -> None:
    check = runner.repository.root / ".github/workflows/check.yml"
    check.write_text(check.read_text() + UNRUN + LEAK)
    runs = list(run_all(runner, [Scenario("push", "check.yml")]))
    assert run_texts(runner.repository.root) - run_texts(ROOT) - executed(runs) == {"echo never"}
    assert secrets_in(runner, runs) == [SECRETS["REGISTRY_PASSWORD"]]


def test_one_line_is_left_out_of_what_is_run(runner: Runner) -> None:
    """Of the workflows, act runs all but the queues of publishing jobs, which it does not know."""
    for path in sorted((ROOT / ".github/workflows").iterdir()):
        original = path.read_text().splitlines()
        run = (runner.repository.root / ".github/workflows" / path.name).read_text().splitlines()
        left_out = [line for line in original if line not in run]
        assert all(line.split("#")[0].strip() == "queue: max" for line in left_out)
        assert [line for line in original if line not in left_out] == run
