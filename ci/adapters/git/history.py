"""Git on a local folder, by GitPython. For a source tree in the engine see `ci.adapters.dagger_engine.git`.

No user or system configuration is read, no shell is used, and nothing is fetched (`ci.planning.git_questions`).
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from ci.adapters.git.program import MissingGitError, run_git
from ci.planning.changes import History
from ci.planning.git_history import ask_history, unknown_history
from ci.planning.git_questions import GitCommand, GitResult, WorkTree


def read_history(root: Path, base: str = "", head: str = "") -> History:
    """Return the history of the source tree in a folder, as `ask_history` does."""
    root = root.absolute()
    conversation = ask_history(_Folder(root), base, head)
    try:
        commands = next(conversation)
        while True:
            commands = conversation.send([_run(root, command) for command in commands])
    except StopIteration as end:
        history: History = end.value
        return history
    except MissingGitError as error:
        return unknown_history(str(error))


def _run(root: Path, command: GitCommand) -> GitResult:
    return run_git(root / command.folder, command.words, command.variables(str(root)), command.stdin)


class _Folder(WorkTree):
    """The files of a local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def git_file(self) -> str | None:
        path = self._root / ".git"
        return path.read_text(errors="replace") if path.is_file() else "" if path.exists() else None

    @property
    def repositories(self) -> Sequence[str]:
        found: list[str] = []
        for folder, folders, files in os.walk(self._root):
            path = Path(folder).relative_to(self._root)
            if ".git" in (*folders, *files) and path != Path():
                found.append(path.as_posix())
            folders[:] = [name for name in folders if name != ".git"]
        return sorted(found)

    def content(self, path: str) -> tuple[str, int] | None:
        found = self._root / path
        if found.is_symlink() or not found.is_file():
            return None
        with found.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), found.stat().st_size
