"""The workflows on a real engine and with Debian's docker-registry: what a push, a promotion and a rollback leave."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from native_engine.client import CLI_BIN
from tests.e2e.conftest import Call
from tests.e2e.crash_proxy import CrashProxy, Fate, serving
from tests.e2e.divided import write_divider
from tests.e2e.notebook_stack import FILES, IMAGES, TOML, Operator
from tests.e2e.second_engine import SecondEngine
from tests.integration.adapters.oci.debian import PASSWORD, USER, DebianRegistry
from tests.integration.workflows.harness import PARTS, Ended, Runner

STABLE = "2026.4-stable"
SHARES = {"trunk-1": ("base",), "branch-1": ("ds", "ml"), "branch-2": ("r",)}
PARENTS = {"ds": "base", "ml": "ds", "r": "base"}
BUILT, REUSED = dict.fromkeys(IMAGES, "built"), dict.fromkeys(IMAGES, "reused")
MODULE = ("ci", "dagger.json")
SECRETS = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD, "GPU_SSH_KEY": "no-key-4471"}


class Guard(CrashProxy):
    """Leads to the registry, and refuses what is written to a path while `refused` is its end."""

    refused = ""

    @override
    def decide(self, request: str) -> Fate:
        is_refused = bool(self.refused) and request.startswith("PUT ") and self.refused in request
        return Fate.IS_FORBIDDEN if is_refused else super().decide(request)


class Machine(Operator):
    """A repository with the stack, and the machine on which its workflows run."""

    runner: Runner
    guard: Guard
    attempt = 0

    def event(self, event: str, file: str, **inputs: str) -> Ended:
        """Let something happen; each run is an attempt of its own, so that it keeps its own report."""
        self.attempt += 1
        variables = {"REGISTRY": self.name, "REGISTRY_SERVICE": f"tcp://localhost:{self.bridge.port}", "WIKI": "false"}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        attempt = {"GITHUB_RUN_ATTEMPT": str(self.attempt)}
        ended = self.runner.run(event, file, inputs=given, secrets=SECRETS, variables=variables, environment=attempt)
        kept = "".join(path.read_text(errors="replace") for path in self.runner.kept.rglob("*") if path.is_file())
        assert not any(secret in f"{ended.raw}{ended.output}{kept}" for secret in (PASSWORD, SECRETS["GPU_SSH_KEY"]))
        return ended

    def push(self, **files: str) -> Ended:
        """Push a commit, or what was pushed last without one."""
        if files:
            self.repository.commit(**files)
        return self.event("push", "main.yml")

    @property
    def outcomes(self) -> Mapping[str, str]:
        """What became of each image, from the report that the last run kept."""
        report = json.loads((self.runner.kept / f"report-{self.attempt}/report.json").read_text())
        return {image["name"]: image["outcome"] for image in report["images"]}


def changed(image: str, name: str) -> tuple[str, str]:
    """Return the Dockerfile of an image, with one more file in it."""
    path = f"images/{image}/Dockerfile"
    return path, f"{FILES[path]}RUN touch /{name}\n"


@pytest.fixture(scope="module")
def guard(debian: DebianRegistry) -> Iterator[Guard]:
    with serving(Guard(debian.host, debian.ca)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, call: Call, debian: DebianRegistry, guard: Guard) -> Machine:
    folder = tmp_path_factory.mktemp("workflows")
    parts = [part for part in PARTS if part != "images"]
    runner = Runner(folder, [*parts, *MODULE], stand_ins=("gh", "sudo"))
    machine = Machine(runner.repository, call, debian, guard)
    machine.runner, machine.guard = runner, guard
    ended = machine.push(**FILES | {"images/stack.toml": TOML.replace("[stack]\n", '[stack]\nignore = ["ci"]\n')})
    assert (ended.code, machine.outcomes) == (0, BUILT), ended.output
    return machine


def test_a_push_publishes_and_the_same_push_builds_nothing(machine: Machine) -> None:
    stack, tags = machine.stack(machine.tag), machine.tags()
    assert set(stack) == set(IMAGES)
    ended = machine.push()
    assert (ended.code, machine.outcomes) == (0, REUSED), ended.output
    assert machine.tags() == tags
    assert ended.log.summary.startswith("## ✅")
    assert all(image in ended.log.summary for image in IMAGES)
    assert (machine.runner.kept / f"report-{machine.attempt}/report.html").stat().st_size > 0


def test_a_red_run_keeps_its_report_and_run_again_does_what_it_lacks(machine: Machine) -> None:
    machine.guard.refused = "/r/manifests/"
    red = machine.push(**dict(changed(image, "more") for image in ("ds", "r")))
    machine.guard.refused = ""
    assert (red.code, red.log.jobs) == (1, {"publish": "failure"})
    assert machine.outcomes["base"] == "reused"
    assert machine.outcomes["r"] == "not uploaded"
    assert machine.stack(machine.tag) == {}
    assert red.log.summary.startswith("## ❌")
    assert any(command.name == "error" and command.properties["title"].startswith("r") for command in red.commands)
    kept = machine.runner.kept / f"report-{machine.attempt}"
    assert (kept / "exit-code").read_text() == "1\n"

    healed = machine.push()
    assert (healed.code, machine.outcomes) == (0, {**REUSED, "r": "built"}), healed.output
    assert set(machine.stack(machine.tag)) == set(IMAGES)
    assert (kept / "exit-code").read_text() == "1\n"


def test_a_pull_request_builds_and_writes_nothing(machine: Machine) -> None:
    tags = machine.tags()
    machine.repository.commit(**dict([changed("ml", "asked")]))
    payload = {"number": 7, "pull_request": {"base": {"ref": "main"}, "head": {"ref": "topic"}}}
    variables = {"REGISTRY": machine.name, "REGISTRY_SERVICE": f"tcp://localhost:{machine.bridge.port}"}
    environment = {"GITHUB_RUN_ATTEMPT": "7000"}
    ended = machine.runner.run(
        "pull_request", "main.yml", ref="refs/pull/7/merge", payload=payload, secrets={}, variables=variables,
        environment=environment,
    )  # fmt: skip
    assert (ended.code, ended.log.jobs) == (0, {"build": "success"}), ended.output
    assert (machine.tags(), (machine.runner.kept / "report-7000/report.html").exists()) == (tags, True)


def test_promotions_and_rollbacks(machine: Machine) -> None:
    assert machine.push().code == 0
    first, old = machine.tag, machine.stack(machine.tag)
    assert set(old) == set(IMAGES)
    assert machine.push(**dict([changed("ml", "promoted")])).code == 0
    second, new = machine.tag, machine.stack(machine.tag)
    assert {image for image in IMAGES if old[image] != new[image]} == {"ml"}
    reason = 'the stack of this test has no GPU; it\'s "fine"'

    dry = machine.event("workflow_dispatch", "tag.yml", tag=first)
    assert (dry.code, machine.stack(STABLE)) == (0, {}), dry.output
    assert "4 of 4 tags would move; nothing was written." in dry.log.summary

    refused = machine.event("workflow_dispatch", "tag.yml", tag=first, dry_run="false")
    assert (refused.code, refused.log.jobs, machine.stack(STABLE)) == (1, {"gpu": "failure"}, {})

    for tag, digests in ((first, old), (second, new)):
        ended = machine.event("workflow_dispatch", "tag.yml", tag=tag, dry_run="false", accept_without_gpu=reason)
        assert (ended.code, machine.stack(STABLE)) == (0, digests), ended.output
        assert "tags moved, all verified." in ended.log.summary

    dry = machine.event("workflow_dispatch", "rollback.yml", tag=STABLE)
    assert (dry.code, machine.stack(STABLE)) == (0, new), dry.output
    assert "1 of 4 tags would move; nothing was written." in dry.log.summary
    back = machine.event("workflow_dispatch", "rollback.yml", tag=STABLE, dry_run="false")
    assert (back.code, machine.stack(STABLE)) == (0, old), back.output


def test_several_machines_publish_and_a_red_share_is_gathered(
    machine: Machine, other_engine: SecondEngine, tmp_path: Path
) -> None:
    """wide.yml on two engines: that of branch-1 has nothing in its cache."""
    program = write_divider(tmp_path, SHARES, PARENTS, {"branch-1": other_engine.address})
    machine.runner.environment[CLI_BIN] = str(program)
    machine.repository.commit(**{"images/base/greeting": "good day\n"})
    machine.guard.refused = "/r/manifests/"
    red = machine.event("workflow_dispatch", "wide.yml")
    machine.guard.refused = ""
    assert (red.code, red.job("gather")) == (1, "failure"), red.output
    assert machine.outcomes == {**BUILT, "r": "not uploaded"}
    assert (tmp_path / "used").read_text() == "branch-1\n"
    assert machine.stack(machine.tag) == {}
    table = red.log.summary.rpartition("## ❌")[2]
    assert all(image in table for image in IMAGES)
    kept, number = machine.runner.kept, machine.attempt
    codes = {
        name: (kept / f"{name}-{number}/exit-code").read_text() for name in (*(f"share-{n}" for n in SHARES), "report")
    }
    assert codes == {"share-trunk-1": "0\n", "share-branch-1": "0\n", "share-branch-2": "1\n", "report": "1\n"}

    healed = machine.event("workflow_dispatch", "wide.yml")
    assert (healed.code, machine.outcomes) == (0, {**REUSED, "r": "built"}), healed.output
    assert set(machine.stack(machine.tag)) == set(IMAGES)
