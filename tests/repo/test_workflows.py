"""The workflows keep the rules of workflow_policy.py, and four linters find nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.programs import actionlint, shellcheck
from tests.repo.workflow_files import read_workflow, read_workflows
from tests.repo.workflow_policy import RULES, findings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github/workflows"
FORMS = ".github/ISSUE_TEMPLATE"
NAMES = tuple(read_workflows(ROOT))
VENV = Path(sys.executable).parent
SCRIPTS = sorted(
    path
    for path in [*(ROOT / ".ci").iterdir(), ROOT / "images/update-pins"]
    if path.read_text().startswith("#!/bin/bash")
)
ACTIONS = sorted((ROOT / "tests").rglob("action.yml"))
UPLOAD = "      - if: ${{ !cancelled() }}\n        uses: actions/upload-artifact@"
TELL = "      - if: ${{ !cancelled() }}\n        run: .ci/tell report\n"
TRUNK = "    if: needs.divide.outputs.trunk != '[]'\n"
GATHER = "    needs: [divide, trunk, branches]\n"
# What breaks a rule: the rule, a file, what stands there and what would stand there instead.
MUTATIONS = (
    ("permissions", "tag.yml", "permissions: {}", "permissions: write-all"),
    ("permissions", "main.yml", "      contents: read\n", "      contents: write\n"),
    ("permissions", "wiki.yml", "      contents: write", "      packages: write"),
    ("permissions", "check.yml", "    permissions:\n      contents: read\n", ""),
    ("shell", "test_gpu.yml", "    shell: bash # with", "    shell: sh # with"),
    ("shell", "check.yml", "      - run: .ci/run\n", "      - run: .ci/run\n        shell: sh\n"),
    ("timeouts", "rollback.yml", "    timeout-minutes: 30\n", ""),
    ("timeouts", "test_gpu.yml", "timeout-minutes: 360", "timeout-minutes: 720"),
    ("pins", "check.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7"),
    ("pins", "check.yml", " # v7.0.1", ""),
    ("triggers", "main.yml", "  pull_request:\n", "  pull_request_target:\n"),
    ("triggers", "pins.yml", "  workflow_dispatch:\n", "  workflow_dispatch:\n  workflow_run:\n"),
    ("triggers", "tag.yml", "    secrets: # by", "    secrets: inherit\n    env: # by"),
    ("texts", "rollback.yml", '--tag="$TAG"', '--tag="${{ inputs.tag }}"'),
    ("secrets", "rollback.yml", "    environment: stable\n", ""),
    ("secrets", "main.yml", "    environment: registry\n", "    environment: ${{ inputs.refresh && 'registry' }}\n"),
    ("secrets", "tag.yml", "uses: ./.github/workflows/wiki.yml", "uses: other/repository/.github/workflows/w.yml@main"),
    ("secrets", "wiki.yml", "--registry-password=env:REGISTRY_PASSWORD", '--registry-password="$REGISTRY_PASSWORD"'),
    ("pull requests", "main.yml", "if: github.event_name != 'pull_request' && ", "if: "),
    (
        "pull requests",
        "main.yml",
        "    if: vars.WIKI != 'false'",
        "    if: ${{ always() && vars.WIKI != 'false' }}",
    ),
    ("pull requests", "main.yml", "    runs-on: ubuntu-24.04\n", "    runs-on: ${{ vars.RUNNER || 'ubuntu-24.04' }}\n"),
    ("pull requests", "main.yml", "    name: ${{ github.event_name == 'pull_request' && 'build' || 'branch' }}\n", ""),
    ("concurrency", "tag.yml", "      cancel-in-progress: false\n", "      cancel-in-progress: true\n"),
    ("concurrency", "main.yml", "      queue: max", "      # queue: max"),
    ("concurrency", "wide.yml", "  queue: max", "  # queue: max"),
    ("concurrency", "wide.yml", "  group: publish", "  group: wide"),
    ("concurrency", "main.yml", "      group: publish", "      group: main"),
    (
        "concurrency",
        "wide.yml",
        TRUNK,
        f"{TRUNK}    concurrency: {{ group: trunk, cancel-in-progress: false, queue: max }}\n",
    ),
    (
        "concurrency",
        "wide.yml",
        GATHER,
        f"{GATHER}    concurrency: {{ group: publish, cancel-in-progress: false, queue: max }}\n",
    ),
    ("matrices", "wide.yml", "    if: needs.divide.outputs.trunk != '[]'\n", ""),
    ("matrices", "wide.yml", " && needs.divide.outputs.branches != '[]' }}", " }}"),
    ("matrices", "wide.yml", "      fail-fast: false\n", ""),
    ("deletion", "tidy.yml", "github.event_name == 'workflow_dispatch' && inputs.delete && ", ""),
    ("deletion", "tidy.yml", "daggerw call tidy $", "daggerw call tidy --delete $"),
    ("permissions", "tidy.yml", "      contents: read\n", "      contents: read\n      packages: write\n"),
    ("permissions", "tidy.yml", "      packages: write", "      actions: write"),
    ("secrets", "tidy.yml", "    environment: tidy\n", "    environment: ${{ inputs.delete && 'tidy' }}\n"),
    ("artifacts", "wide.yml", "shares-${{ github.run_attempt }}\n          path", "shares\n          path"),
    ("artifacts", "wide.yml", "share-${{ matrix.share }}-${{ github.run_attempt }}", "share-${{ github.run_attempt }}"),
    ("artifacts", "wide.yml", "${{ needs.divide.outputs.shares }}", "shares-${{ github.run_attempt }}"),
    ("artifacts", "wide.yml", TELL, "      - run: .ci/tell report\n"),
    ("artifacts", "wide.yml", "        if: ${{ !cancelled() }}\n        run: .ci/tell-d", "        run: .ci/tell-d"),
    ("commands", "wide.yml", "--shares=", "--division="),
    ("commands", "wide.yml", "call gather --kept=", "call gather --folder="),
    ("commands", "tidy.yml", "${KEEP_DAYS:+--keep-days=", "${KEEP_DAYS:+--keep-weeks="),
    ("commands", "tidy.yml", ".ci/tell-text", ".ci/tell"),
    ("artifacts", "main.yml", UPLOAD, UPLOAD.replace("!cancelled()", "success()")),
    ("artifacts", "main.yml", "report-${{ github.run_attempt }}", "report"),
    ("artifacts", "main.yml", "          if-no-files-found: error\n", ""),
    ("artifacts", "main.yml", TELL, "      - run: .ci/tell report\n"),
    ("artifacts", "pins.yml", "          persist-credentials: false\n", "          persist-credentials: true\n"),
    ("commands", "rollback.yml", "daggerw call rollback", "daggerw call roll-back"),
    ("commands", "rollback.yml", "--to=", "--go-to="),
    ("commands", "tag.yml", "${REASON:+--accept-without-gpu=", "${REASON:+--accept-no-gpu="),
    ("commands", "tag.yml", "          REASON: ${{ inputs.accept-without-gpu }}\n", ""),
    ("commands", "tag.yml", 'tee -a "$GITHUB_STEP_SUMMARY"', "cat"),
    ("commands", "check.yml", "- run: .ci/run", "- run: .ci/walk"),
    ("commands", "check.yml", "- run: .ci/run", "- run: .ci/run; .ci/run"),
    ("commands", "check.yml", "- run: .ci/run", "- run: .ci/run $(date)"),
    ("commands", "check.yml", "- run: .ci/run", "- run: |\n          .ci/run\n          .ci/run"),
    ("commands", "check.yml", "- run: .ci/run", "- run: curl https://example.org"),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_are_kept(name: str) -> None:
    assert findings(name, (FOLDER / name).read_text()) == []


@pytest.mark.parametrize(("rule", "name", "old", "new"), MUTATIONS)
def test_what_breaks_a_rule_is_found(rule: str, name: str, old: str, new: str) -> None:
    text = (FOLDER / name).read_text()
    assert old in text
    changed = text.replace(old, new, 1)
    assert findings(name, changed, {rule: RULES[rule]}) != []
    assert read_workflow(changed) != read_workflow(text) or rule == "pins"


def test_each_rule_was_seen_to_find_something() -> None:
    assert {rule for rule, *_ in MUTATIONS} == set(RULES)


@pytest.mark.parametrize("path", [*SCRIPTS, *(ROOT / ".ci").iterdir()], ids=lambda path: path.name)
def test_scripts_can_be_run(path: Path) -> None:
    assert path.stat().st_mode & 0o111


def command(linter: str, *words: str | Path) -> list[str | Path]:
    """Return the command line of a linter."""
    programs = {"actionlint": actionlint, "shellcheck": shellcheck}
    program = programs[linter]() if linter in programs else VENV / linter
    # With all that zizmor knows, but for names of jobs that only repeat their keys.
    options = {"zizmor": ("--offline", "--no-progress", "--persona=auditor", "--min-severity=low")}
    return [program, *options.get(linter, ()), *words]


def run(words: Sequence[str | Path]) -> tuple[int, str]:
    """Run a linter; return its exit code and what it printed. actionlint takes shellcheck from PATH."""
    tools = os.environ | {"PATH": f"{shellcheck().parent}:{os.environ['PATH']}"}
    done = subprocess.run(words, cwd=ROOT, env=tools, capture_output=True, text=True, check=False)
    return done.returncode, f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("linter", "words"),
    [
        ("actionlint", ()),
        ("shellcheck", SCRIPTS),
        ("zizmor", (".github", *ACTIONS)),
        ("check-jsonschema", ("--builtin-schema=vendor.github-workflows", *sorted(FOLDER.iterdir()))),
        ("check-jsonschema", ("--builtin-schema=vendor.github-actions", *ACTIONS)),
        ("check-jsonschema", ("--builtin-schema=vendor.dependabot", ".github/dependabot.yml")),
        ("check-jsonschema", ("--builtin-schema=vendor.github-issue-forms", f"{FORMS}/bug.yml", f"{FORMS}/image.yml")),
        ("check-jsonschema", ("--builtin-schema=vendor.github-issue-config", f"{FORMS}/config.yml")),
    ],
)
def test_linters_find_nothing(capsys: pytest.CaptureFixture[str], linter: str, words: Sequence[str | Path]) -> None:
    _, said = run(command(linter, "--version"))
    assert run(command(linter, *words))[0] == 0, run(command(linter, *words))[1]
    with capsys.disabled():
        version = re.search(r"\d+\.\d+\.\d+", said)
        sys.stdout.write(f"\n{linter} {version[0] if version else said}: no findings\n")


@pytest.mark.parametrize(
    ("linter", "file", "old", "new", "found"),
    [
        ("actionlint", ".github/workflows/tag.yml", "needs.gpu.result", "needs.gpus.result", '"gpus" is not defined'),
        ("actionlint", ".github/workflows/tag.yml", '"$GITHUB_STEP_SUMMARY"', "$GITHUB_STEP_SUMMARY", "SC2086"),
        ("shellcheck", ".ci/tell", 'cat "$1/summary.md"', "cat $1/summary.md", "SC2086"),
        (
            "zizmor",
            ".github/workflows/check.yml",
            "persist-credentials: false",
            "persist-credentials: true",
            "artipacked",
        ),
        ("check-jsonschema", ".github/workflows/check.yml", "timeout-minutes: 60", "timeout-minutes: []", "[] is not"),
    ],
)
def test_linters_find_what_they_are_for(  # noqa: PLR0913, PLR0917 (a linter, a change, and what is said of it)
    tmp_path: Path, linter: str, file: str, old: str, new: str, found: str
) -> None:
    text = (ROOT / file).read_text()
    assert old in text
    changed = tmp_path / Path(file).name
    changed.write_text(text.replace(old, new))
    schema = ("--builtin-schema=vendor.github-workflows",) if linter == "check-jsonschema" else ()
    code, said = run(command(linter, *schema, changed))
    assert code != 0
    assert found in said
