"""Git on a source tree in the engine: commands run in a container with the tree, and only their output comes back."""

import base64
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import dagger
from dagger import dag

from ci.adapters.dagger_engine.tools import SOURCE, fetched, tools_with
from ci.planning.changes import History
from ci.planning.git_history import ask_history, unknown_history
from ci.planning.git_questions import GIT_MISSING, GitCommand, GitResult, WorkTree

# In the working directory of the function, the only folder that the engine takes files from.
_PROGRAM = "git-program"
_SCRIPT = "base64 -d /commands | sh >/results"
# Status, and the sizes of what follows: output and errors.
_RESULT = "printf '%s %s %s\\n' $? $(stat -c %s /output) $(stat -c %s /errors); cat /output /errors"


def own_git() -> dagger.File | None:
    """Return this function's own git program; None if it has none.

    It needs nothing that the container lacks: both are Debian 12. To install a git there would take a network, and the
    time for it on every new engine.
    """
    program = shutil.which("git")
    if program is None:
        return None
    if not Path(_PROGRAM).exists():
        shutil.copy(program, _PROGRAM)
    return dag.current_module().workdir_file(_PROGRAM)


async def read_history(
    source: dagger.Directory, tree: WorkTree, git: dagger.File | None, base: str = "", head: str = ""
) -> History:
    """Return the history of a source tree, as `ask_history` does. Raises RequestError and ExternalError."""
    if git is None:
        return unknown_history(GIT_MISSING)
    container = tools_with(source).with_mounted_file("/usr/local/bin/git", git)
    conversation = ask_history(tree, base, head)
    try:
        commands = next(conversation)
        while True:
            commands = conversation.send(await _run(container, commands))
    except StopIteration as end:
        history: History = end.value
        return history


async def _run(container: dagger.Container, commands: Sequence[GitCommand]) -> Sequence[GitResult]:
    """Run commands in one go: each trip to the engine takes a tenth of a second or more."""
    script = "\n".join(_shell(command) for command in commands).encode("utf-8", "surrogateescape")
    prepared = container.with_new_file("/commands", base64.b64encode(script).decode())
    async with fetched(prepared.with_exec(["sh", "-c", _SCRIPT]), "/results", "read the git history") as path:
        return _read(path.read_bytes())


def _shell(command: GitCommand) -> str:
    variables = [f"{name}={value}" for name, value in command.variables(SOURCE).items()]
    stdin = f"printf %s '{base64.b64encode(command.stdin).decode()}' | base64 -d"
    git = shlex.join(["env", *variables, "git", *command.words])
    return f"cd {shlex.quote(f'{SOURCE}/{command.folder}')}\n{stdin} | {git} >/output 2>/errors\n{_RESULT}"


def _read(output: bytes) -> Sequence[GitResult]:
    results = []
    while output:
        head, _, output = output.partition(b"\n")
        status, size, error_size = map(int, head.split())
        error = output[size : size + error_size].decode(errors="replace")
        results.append(GitResult(status=status, output=output[:size], error=error))
        output = output[size + error_size :]
    return results
