"""What workflows must and must not do, where no linter looks: each rule finds sentences in one file."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.repo.test_readme import ROOT, functions
from tests.repo.workflow_files import Workflow, read_workflow

Rule = Callable[[str, str, Workflow], Iterator[str]]
"""Takes a file's name, its text and what it says."""
Node = Mapping[str, Any]

# Who may write, and what: the wiki's repository, the branch of new pins and its pull request, a release. Who may delete
# images of ghcr.io.
WRITERS = {
    "main.yml/wiki": {"contents"},
    "pins.yml/pins": {"contents", "pull-requests"},
    "release.yml/release": {"contents"},
    "rollback.yml/wiki": {"contents"},
    "tag.yml/wiki": {"contents"},
    "tidy.yml/delete": {"packages"},
    "wide.yml/wiki": {"contents"},
    "wiki.yml/wiki": {"contents"},
}
LONGEST_JOB = 360  # minutes, on GitHub's own runners
_SECRET = re.compile(r"secrets\.([A-Z_]+)")
_VARIABLE = re.compile(r"\$\{?([A-Z_]+)")
_GIVEN = ("GITHUB_", "RUNNER_")
_WITHOUT_PULL_REQUEST = "github.event_name != 'pull_request' && "
_MAY_DELETE = "github.event_name == 'workflow_dispatch' && inputs.delete && github.ref == 'refs/heads/main'"
_PUBLISHES = re.compile(r"--publish\b|\bcall (?:divide|build-share|gather)\b")
_STATUS = re.compile(r"\b(?:always|cancelled|failure)\(")


def findings(name: str, text: str, rules: Mapping[str, Rule] | None = None) -> list[str]:
    """Return what a workflow does against the rules, each with the name of its rule."""
    workflow = read_workflow(text)
    chosen = RULES if rules is None else rules
    return [f"{rule}: {name}: {found}" for rule, find in chosen.items() for found in find(name, text, workflow)]


def _steps(workflow: Workflow) -> Iterator[tuple[str, Node]]:
    for job, node in workflow["jobs"].items():
        for step in node.get("steps", []):
            yield job, step


def _permissions(name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    if workflow.get("permissions") != {}:
        yield "the permissions of the file are not {}"
    for job, node in workflow["jobs"].items():
        given = node.get("permissions")
        may_write = WRITERS.get(f"{name}/{job}", set())
        allowed = [{"contents": "read"}, {"contents": "read"} | dict.fromkeys(may_write, "write")]
        if given not in allowed:
            yield f"{job}: its permissions are {given}"


def _shell(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    if workflow.get("defaults") != {"run": {"shell": "bash"}}:
        yield "the shell of the file is not bash, which has pipefail only where it is named"
    yield from (f"{job}: a step has a shell of its own" for job, step in _steps(workflow) if "shell" in step)


def _timeouts(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    for job, node in workflow["jobs"].items():
        if "uses" not in node and not 0 < node.get("timeout-minutes", 0) <= LONGEST_JOB:
            yield f"{job}: it has no limit of time"


def _pins(_name: str, text: str, _workflow: Workflow) -> Iterator[str]:
    for line in text.splitlines():
        used = re.search(r"uses: (\S+)(.*)", line)
        pinned = r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
        if used and not used[1].startswith("./.github/") and not re.fullmatch(pinned, f"{used[1]}{used[2]}"):
            yield f"not pinned by a commit with its version: {used[1]}"


def _triggers(_name: str, text: str, workflow: Workflow) -> Iterator[str]:
    yield from (f"it is triggered by {event}" for event in ("pull_request_target", "workflow_run")
                if event in workflow["on"])  # fmt: skip
    if re.search(r"secrets: *inherit", text):
        yield "it hands on all secrets"


def _texts(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    """A value that is put into a script becomes part of the script."""
    yield from (f"{job}: an expression in a script" for job, step in _steps(workflow) if "${{" in step.get("run", ""))


def _secrets(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    for job, node in workflow["jobs"].items():
        if "uses" in node:
            if not node["uses"].startswith("./.github/workflows/"):
                yield f"{job}: calls a workflow of somebody else"
        elif "secrets." in str(node) and not re.fullmatch(r"[a-z]+", str(node.get("environment", ""))):
            yield f"{job}: has secrets without an environment that limits who gets them"
    for job, step in _steps(workflow):
        hidden = {key for key, value in step.get("env", {}).items() if (found := _SECRET.search(str(value)))
                  and not found[1].endswith("_USERNAME")}  # fmt: skip
        yield from (f"{job}: ${key} on a command line, which every process of the machine can read"
                    for key in sorted(hidden & set(_VARIABLE.findall(step.get("run", "")))))  # fmt: skip


def _pull_requests(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    """No job that a pull request can reach has anything to take; its checks have names that no other event gives."""
    if "pull_request" not in workflow["on"]:
        return
    for job in sorted(_reached(workflow)):
        node = workflow["jobs"][job]
        if "secrets." in str(node) or "environment" in node or "write" in node.get("permissions", {}).values():
            yield f"{job}: a pull request reaches it, and it has secrets or may write"
        if "vars.RUNNER" in str(node.get("runs-on")):
            yield f"{job}: a pull request reaches it, and it may run on a machine of our own"
        names = re.fullmatch(
            r"\$\{\{ github.event_name == 'pull_request' && '(\w+)' \|\| '(\w+)' \}\}", node.get("name", "")
        )
        pushes = workflow["on"].get("push", {})
        if pushes.get("branches") != ["main"] and not (names and names[1] != names[2]):
            yield f"{job}: a check of a pull request has the name of one that a push to its branch may skip"


def _reached(workflow: Workflow) -> set[str]:
    safe: set[str] = set()
    for job, node in workflow["jobs"].items():
        condition = str(node.get("if", ""))
        needs = {node["needs"]} if isinstance(node.get("needs"), str) else set(node.get("needs", []))
        excluded = condition.startswith(_WITHOUT_PULL_REQUEST) and "||" not in condition
        if excluded or (needs & safe and not _STATUS.search(condition)):
            safe.add(job)
    return set(workflow["jobs"]) - safe


def _concurrency(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    """What writes waits for its turn, is never cancelled for the next, and never dropped; and never for itself."""
    whole = workflow.get("concurrency", {})
    for job, node in workflow["jobs"].items():
        has = node.get("concurrency", whole)
        if "environment" in node and not (has.get("cancel-in-progress") is False and has.get("queue") == "max"):
            yield f"{job}: a run may be cancelled or dropped for the next one"
        if any(_PUBLISHES.search(step.get("run", "")) for step in node.get("steps", [])) and has["group"] != "publish":
            yield f"{job}: two may publish at once"
        if "concurrency" in node and (has == whole or "strategy" in node):
            yield f"{job}: it waits for its own run, or for another job of its matrix"


def _matrices(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    for job, node in workflow["jobs"].items():
        if "strategy" not in node:
            continue
        (names,) = node["strategy"]["matrix"].values()
        filled = f"{names.removeprefix('${{ fromJSON(').removesuffix(') }}')} != '[]'"
        if filled not in str(node.get("if", "")):
            yield f"{job}: a matrix without a job is an error"
        if node["strategy"].get("fail-fast") is not False:
            yield f"{job}: a job that fails cancels the others of its matrix"


def _deletion(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    """Nothing is deleted unless somebody said so, by hand, on main."""
    for job, step in _steps(workflow):
        if "--delete" in step.get("run", "") and workflow["jobs"][job].get("if") != _MAY_DELETE:
            yield f"{job}: it may delete though nobody said so"


def _artifacts(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    for job, step in _steps(workflow):
        if "/upload-artifact@" in step.get("uses", ""):
            given = step["with"]
            if step.get("if") != "${{ !cancelled() }}":
                yield f"{job}: what a red run has is not kept"
            if "${{ github.run_attempt }}" not in given["name"] or given.get("if-no-files-found") != "error":
                yield f"{job}: an artifact is overwritten by the next attempt, or may be empty"
            if "strategy" in workflow["jobs"][job] and "${{ matrix." not in given["name"]:
                yield f"{job}: an artifact has the name of that of another job of the matrix"
        if "/download-artifact@" in step.get("uses", "") and "run_attempt" in str(step["with"]):
            yield f"{job}: what an earlier attempt kept is not found when only the jobs that failed run again"
        if re.match(r"\.ci/tell(?:-division)? ", step.get("run", "")) and step.get("if") != "${{ !cancelled() }}":
            yield f"{job}: the report of a red run is not shown"
        if "/checkout@" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
            yield f"{job}: leaves a token in the source tree"


def _commands(_name: str, _text: str, workflow: Workflow) -> Iterator[str]:
    for job, step in _steps(workflow):
        yield from (f"{job}: {found}" for found in _command(step.get("run", ""), step.get("env", {})))


def _command(run: str, environment: Node) -> Iterator[str]:
    if not run:
        return
    unknown = [found for found in _VARIABLE.findall(run) if found not in environment and not found.startswith(_GIVEN)]
    if unknown:
        yield f"the step does not have {', '.join(sorted(unknown))}"
    line = re.sub(r"\\\n|(?<=\|)\n", " ", run).strip()
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    if "\n" in line or any(set(word) <= set("();&") for word in words):
        yield "more than one command: a script in .ci can be run on a laptop, too"
    first, *rest = _split(_plain_words(line))
    if rest and (len(rest) > 1 or rest[0][0] not in {"tee", ".ci/tell-text"}):
        yield f"a pipe to {rest[0][0]}"
    yield from _program(first)


def _plain_words(line: str) -> Sequence[str]:
    """Return the words of a command with the optional ones, `${NAME:+word}`, as if they were given."""
    return shlex.split(re.sub(r'\$\{[A-Z_]+:\+([^"}]*)"[^"]*"\}', r"\1x", line))


def _split(words: Sequence[str]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _program(words: Sequence[str]) -> Iterator[str]:
    match words:
        case ["./daggerw", "call", function, *rest]:
            known = functions().get(function)
            if known is None:
                yield f"there is no function {function}"
                return
            used = {word.partition("=")[0] for word in rest if word.startswith("--")}
            if used - known:
                yield f"{function} has no {', '.join(sorted(used - known))}"
        case [program, *_] if program.startswith(".ci/"):
            if not Path(ROOT, program).is_file():
                yield f"there is no {program}"
        case ["gh" | "printf", *_]:
            pass
        case _:
            yield f"it runs {words[0]}: a script in .ci can be run on a laptop, too"


RULES: Mapping[str, Rule] = {
    "permissions": _permissions,
    "shell": _shell,
    "timeouts": _timeouts,
    "pins": _pins,
    "triggers": _triggers,
    "texts": _texts,
    "secrets": _secrets,
    "pull requests": _pull_requests,
    "concurrency": _concurrency,
    "matrices": _matrices,
    "deletion": _deletion,
    "artifacts": _artifacts,
    "commands": _commands,
}
