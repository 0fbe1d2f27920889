"""The git program on this machine, by GitPython."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# GitPython looks for git when it is imported, and fails without this. `run_git` reports a missing git itself.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git
from git.exc import GitCommandNotFound

from ci.planning.git_questions import GIT_MISSING, GitResult


class MissingGitError(Exception):
    """There is no git command. The text is a sentence."""

    def __init__(self) -> None:
        super().__init__(GIT_MISSING)


def run_git(
    folder: Path, words: Sequence[str], variables: Mapping[str, str], stdin: bytes = b"", limit: float | None = None
) -> GitResult:
    """Run a git command in a folder, killed after so many seconds. Raises MissingGitError."""
    git = Git(folder)
    git.update_environment(**variables)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            status, output, error = git.execute(
                [Git.GIT_PYTHON_GIT_EXECUTABLE, *words],
                istream=file,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=limit,
            )
    except GitCommandNotFound:
        raise MissingGitError from None
    return GitResult(status=status, output=output, error=error)
