"""tidy.yml: shows what may go, and deletes it only by hand, on main, if that was said."""

import pytest

from tests.integration.workflows.harness import SECRETS, Answer, Ended, Runner

SHOWN = "::error::x\n3 of 40 images go\n```\n"
DELETE = {"delete": "true", "keep-last": "20", "keep-days": "30", "most": "80"}


def tidy(
    runner: Runner, inputs: dict[str, str] | None = None, *, event: str = "workflow_dispatch", **more: str
) -> Ended:
    """Run it with the variable REGISTRY, where it is given."""
    answers = {"tidy": Answer(prints=SHOWN)}
    registry = {"REGISTRY": more["registry"]} if "registry" in more else {}
    ref = more.get("ref", "refs/heads/main")
    return runner.run(event, "tidy.yml", inputs=inputs or {}, variables=registry, answers=answers, ref=ref)


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_it_shows_what_may_go_and_deletes_nothing(runner: Runner, event: str) -> None:
    ended = tidy(runner, event=event)
    assert (ended.code, ended.log.jobs, ended.names) == (0, {"preview": "success"}, ["tidy"]), ended.raw
    call = ended.call("tidy")
    assert not [word for word in call.words if word.startswith(("--delete", "--token"))]
    assert call.option("registry-password") == "env:REGISTRY_PASSWORD"
    assert call.environment["REGISTRY_PASSWORD"] == SECRETS["REGISTRY_PASSWORD"]
    defaults = [call.option(name) for name in ("keep-last", "keep-days", "most")]
    assert defaults == ([None] * 3 if event == "schedule" else ["10", "90", "50"])
    # As a block of code: nothing in it ends the block.
    assert "    3 of 40 images go\n    ```\n" in ended.log.summary


@pytest.mark.parametrize(
    ("registry", "token"),
    [
        ("ghcr.io/me", "env:PACKAGES_TOKEN"),
        ("docker.io/me", None),
        ("ghcr.io.example.com/me", None),
        ("", "env:PACKAGES_TOKEN"),
    ],
)
def test_by_hand_it_deletes_what_it_has_shown(runner: Runner, registry: str, token: str | None) -> None:
    ended = tidy(runner, DELETE, registry=registry)
    assert (ended.code, ended.log.jobs) == (0, {"preview": "success", "delete": "success"}), ended.raw
    preview, delete = ended.calls
    assert ("--delete" in preview.words, "--delete" in delete.words) == (False, True)
    for call in (preview, delete):
        assert [call.option(name) for name in ("keep-last", "keep-days", "most")] == ["20", "30", "80"]
        assert call.option("registry") == registry
    assert (preview.option("token"), delete.option("token")) == (None, token)
    given = delete.environment["PACKAGES_TOKEN"]
    assert given == (SECRETS["GITHUB_TOKEN"] if token else "")
    assert "PACKAGES_TOKEN" not in preview.environment


@pytest.mark.parametrize(("event", "ref"), [("schedule", "refs/heads/main"), ("workflow_dispatch", "refs/heads/topic")])
def test_it_deletes_neither_on_a_schedule_nor_for_another_branch(runner: Runner, event: str, ref: str) -> None:
    ended = tidy(runner, DELETE, event=event, ref=ref)
    assert (ended.code, ended.job("delete"), ended.names) == (0, "skipped", ["tidy"]), ended.raw


def test_nothing_is_deleted_if_it_cannot_be_shown(runner: Runner) -> None:
    ended = runner.run(
        "workflow_dispatch", "tidy.yml", inputs=DELETE, answers={"tidy": Answer(code=1, says="no history\n")}
    )
    assert (ended.code, ended.log.jobs, ended.names) == (1, {"preview": "failure"}, ["tidy"]), ended.raw


def test_secrets_are_masked(runner: Runner) -> None:
    said = f"login with {SECRETS['REGISTRY_PASSWORD']}\n"
    ended = runner.run("workflow_dispatch", "tidy.yml", inputs=DELETE, answers={"tidy": Answer(says=said)})
    assert ended.log.output.count("login with ***\n") == 2
    assert SECRETS["REGISTRY_PASSWORD"] not in ended.raw
