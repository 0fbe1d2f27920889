"""tag.yml, test_gpu.yml and rollback.yml: nothing is promoted without the GPU gate, or a person's reason."""

from collections.abc import Mapping
from itertools import product

import pytest

from tests.integration.workflows.harness import SECRETS, Answer, Ended, Runner
from tests.integration.workflows.test_main import NASTY

TAG = "2026.4-a1239ab"
REAL = {"tag": TAG, "dry-run": "false", "accept-without-gpu": ""}
SUMMARY = "4 of 4 tags moved, all verified.\n"


def tag(runner: Runner, inputs: Mapping[str, object], **more: object) -> Ended:
    given: dict[str, object] = {"answers": {"tag": Answer(prints=SUMMARY)}}
    return runner.run("workflow_dispatch", "tag.yml", inputs=inputs, **(given | more))  # type: ignore[arg-type]  # options


def test_a_promotion_comes_after_the_gpu_gate_and_before_the_wiki(runner: Runner) -> None:
    ended = tag(runner, REAL, variables={"GPU_KNOWN_HOSTS": "login.test ssh-ed25519 AAAA"})
    assert ended.code == 0, ended.raw
    assert ended.log.jobs == {"gpu": "success", "tag": "success", "wiki": "success"}
    assert ended.names == ["test-gpu", "tag", "wiki"]
    gpu, promotion = ended.call("test-gpu"), ended.call("tag")
    assert (gpu.option("tag"), gpu.option("ssh-key")) == (TAG, "env:SSH_KEY")
    assert gpu.environment["SSH_KEY"] == SECRETS["GPU_SSH_KEY"]
    assert {"--dry-run=false", "--no-gpu=false", f"--tag={TAG}"} <= set(promotion.words)
    assert promotion.option("accept-without-gpu") is None
    # The gate's command has nothing of what promotes, and the promotion nothing of what logs in.
    assert "SSH_KEY" not in promotion.environment
    assert ended.log.summary == SUMMARY


def test_the_known_hosts_are_those_of_the_variable(runner: Runner) -> None:
    hosts = "[login.test]:22 ssh-ed25519 AAAA\nother.test ssh-rsa BBBB"
    answers = {"test-gpu": Answer(prints="## ✅ GPU gate: passed\n")}
    ended = runner.run(
        "workflow_dispatch", "test_gpu.yml", inputs={"tag": TAG}, variables={"GPU_KNOWN_HOSTS": hosts}, answers=answers
    )
    assert (ended.code, ended.names, ended.log.summary) == (0, ["test-gpu"], "## ✅ GPU gate: passed\n")
    assert ended.call("test-gpu").read == f"{hosts}\n"


def test_a_dry_run_asks_no_gpu_and_leaves_the_wiki(runner: Runner) -> None:
    ended = tag(runner, {"tag": TAG})
    assert (ended.code, ended.log.jobs, ended.names) == (0, {"tag": "success"}, ["tag"])
    assert {"--dry-run=true", "--no-gpu=true"} <= set(ended.call("tag").words)


def test_a_reason_takes_the_place_of_the_gate(runner: Runner) -> None:
    ended = tag(runner, {**REAL, "accept-without-gpu": NASTY})
    assert ended.code == 0, ended.raw
    assert (ended.log.jobs, ended.names) == ({"tag": "success", "wiki": "success"}, ["tag", "wiki"])
    assert ended.call("tag").option("accept-without-gpu") == NASTY
    assert not list(runner.folder.rglob("PWNED"))


@pytest.mark.parametrize("inputs", [{"tag": NASTY}, {**REAL, "tag": NASTY}], ids=["dry", "real"])
def test_a_tag_is_one_argument_whatever_it_has(runner: Runner, inputs: Mapping[str, object]) -> None:
    ended = tag(runner, inputs)
    assert {call.option("tag") for call in ended.calls if call.name != "wiki"} == {NASTY}
    assert not list(runner.folder.rglob("PWNED"))


def test_a_gate_that_fails_stops_the_promotion(runner: Runner) -> None:
    """The gate's output goes through a pipe, whose last program ends well."""
    ended = tag(runner, REAL, answers={"test-gpu": Answer(code=1, says="tests failed\n")})
    assert (ended.code, ended.log.jobs, ended.names) == (1, {"gpu": "failure"}, ["test-gpu"])


def test_a_gate_that_is_cancelled_stops_the_promotion(runner: Runner) -> None:
    ended = tag(runner, REAL, answers={"test-gpu": Answer(seconds=3)}, interrupt_at="test-gpu")
    assert ended.names == ["test-gpu"]
    assert (ended.code != 0, ended.job("tag"), ended.job("wiki")) == (True, "skipped", "skipped")


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "success"])
def test_only_a_gate_that_passed_lets_the_promotion_begin(runner: Runner, result: str) -> None:
    """With each result that GitHub gives a job: a job that ran out of time is cancelled there, or has failed."""
    file = runner.repository.root / ".github/workflows/tag.yml"
    text = file.read_text()
    assert text.count("needs.gpu.result") == 1
    file.write_text(text.replace("needs.gpu.result", f"'{result}'"))
    ended = tag(runner, REAL)
    assert ended.names == ["test-gpu", *(["tag", "wiki"] if result == "success" else [])]


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize("reason", ["", "class begins at nine"])
@pytest.mark.parametrize(("gate", "promotion"), list(product((0, 1), repeat=2)))
def test_no_faults_make_a_promotion_without_a_gate(
    runner: Runner, dry_run: str, reason: str, gate: int, promotion: int
) -> None:
    """Whatever fails: the gate, the promotion, both or none."""
    answers = {"test-gpu": Answer(code=gate), "tag": Answer(code=promotion)}
    inputs = {"tag": TAG, "dry-run": dry_run, "accept-without-gpu": reason}
    ended = tag(runner, inputs, answers=answers)
    if dry_run == "true" or reason:
        assert "test-gpu" not in ended.names
    elif ended.job("tag") == "success":
        assert (ended.names[:2], gate) == (["test-gpu", "tag"], 0)
    else:
        assert (gate, promotion) != (0, 0)
    assert ("wiki" in ended.names) == (dry_run == "false" and ended.job("tag") == "success")
    assert (ended.job("tag") == "success") == (promotion == 0 and (dry_run == "true" or bool(reason) or gate == 0))
    assert (ended.code != 0) == ("failure" in ended.log.jobs.values())


def test_a_promotion_that_fails_is_red_and_leaves_the_wiki(runner: Runner) -> None:
    ended = tag(runner, REAL, answers={"tag": Answer(code=1)})
    assert (ended.code, ended.log.jobs) == (1, {"gpu": "success", "tag": "failure"})
    assert ended.names == ["test-gpu", "tag"]


def test_a_red_wiki_leaves_the_promotion_green(runner: Runner) -> None:
    ended = tag(runner, REAL, answers={"wiki": Answer(code=1)})
    assert (ended.code, ended.log.jobs) == (1, {"gpu": "success", "tag": "success", "wiki": "failure"})


def test_the_wiki_is_written_by_hand(runner: Runner) -> None:
    ended = runner.run("workflow_dispatch", "wiki.yml")
    assert (ended.code, ended.log.jobs, ended.names) == (0, {"wiki": "success"}, ["wiki"])


def test_a_rollback_goes_back_and_writes_the_wiki(runner: Runner) -> None:
    inputs = {"tag": "2026.4-stable", "to": "3", "dry-run": "false"}
    answers = {"rollback": Answer(prints=SUMMARY)}
    ended = runner.run("workflow_dispatch", "rollback.yml", inputs=inputs, answers=answers)
    assert (ended.code, ended.log.jobs) == (0, {"rollback": "success", "wiki": "success"})
    assert ended.names == ["rollback", "wiki"]
    assert {"--tag=2026.4-stable", "--to=3", "--dry-run=false"} <= set(ended.call("rollback").words)
    assert ended.log.summary == SUMMARY


def test_what_to_go_back_to_is_one_argument_whatever_it_has(runner: Runner) -> None:
    ended = runner.run("workflow_dispatch", "rollback.yml", inputs={"tag": NASTY, "to": NASTY})
    call = ended.call("rollback")
    assert (call.option("tag"), call.option("to")) == (NASTY, NASTY)
    assert not list(runner.folder.rglob("PWNED"))


@pytest.mark.parametrize(("inputs", "code"), [({}, 0), ({"dry-run": "false"}, 1)], ids=["dry", "failed"])
def test_a_rollback_that_changed_nothing_leaves_the_wiki(
    runner: Runner, inputs: Mapping[str, object], code: int
) -> None:
    answers = {"rollback": Answer(code=code)}
    ended = runner.run("workflow_dispatch", "rollback.yml", inputs={"tag": "2026.4-stable", **inputs}, answers=answers)
    assert (ended.code, ended.names) == (code, ["rollback"])
    assert ended.call("rollback").option("dry-run") == ("false" if inputs else "true")
