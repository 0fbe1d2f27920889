"""Git, by GitPython: which commit the source tree is at, and what changed up to it.

No user or system configuration is read, no shell is used, and nothing is fetched. Where git cannot tell what changed,
the result is `Unknown` with the reason: everything may have changed.
"""

import os
import re
from pathlib import Path

# GitPython looks for git when it is imported, and fails without this. `read_history` reports a missing git itself.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git
from git.exc import GitCommandNotFound

from ci.errors import RequestError
from ci.planning.changes import Changed, History, Unknown, read_names

# GitHub gives this as the commit before the push of a new branch.
_NO_COMMIT = re.compile(r"0{40,64}")
_DEFAULT_BRANCHES = tuple(
    f"refs/{folder}/{name}" for folder in ("remotes/origin", "heads") for name in ("main", "master")
)
_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--ignore-submodules=none")
_UNTRACKED = ("ls-files", "-z", "--others", "--exclude-standard")
_FETCH_MORE = "Fetch more history: git fetch --unshallow, or `fetch-depth: 0` in GitHub's checkout."


class _GitError(Exception):
    """A git command failed; the text is git's own."""


def read_history(root: Path, base: str = "", head: str = "") -> History:
    """Compare two commits, given by any name that git knows. Without `head` the work tree is compared.

    Without `base` it is the merge base with the default branch, or else the commit before the head. Raises RequestError
    if `head` does not exist. A missing `base`, as after a force push, is no error: the changes are Unknown.
    """
    if not (root / ".git").exists():
        return _unknown("The source tree has no .git folder.")
    try:
        return _Repository(root.absolute()).read(base, head)
    except GitCommandNotFound:
        return _unknown("The git command was not found: the base image of the module must have it.")
    except _GitError as error:
        return _unknown(f"Git cannot read the history of the source tree: {error}")


def _unknown(why: str) -> History:
    return History(commit=None, dirty=True, changes=Unknown(why=why))


class _Repository:
    def __init__(self, root: Path) -> None:
        self._git = Git(root)
        self._git.update_environment(**_environment(root))

    def read(self, base: str, head: str) -> History:
        commit = self._commit(head or "HEAD")
        if commit is None and head:
            raise RequestError(f"Unknown head {head!r}: give a commit, branch or tag of this repository.")
        if commit is None:
            return _unknown("The repository has no commit yet.")
        untracked = self._paths(*_UNTRACKED)
        dirty = bool(untracked or self._paths(*_DIFF, commit, "--"))
        found = self._given_base(base, commit) if base and not _NO_COMMIT.fullmatch(base) else self._base(commit)
        if isinstance(found, Unknown):
            return History(commit=commit, dirty=dirty, changes=found)
        paths = self._paths(*_DIFF, found, commit, "--") if head else self._paths(*_DIFF, found, "--") | untracked
        return History(commit=commit, dirty=dirty, changes=Changed(base=found, paths=tuple(sorted(paths))))

    def _given_base(self, name: str, commit: str) -> str | Unknown:
        """Return the merge base with the given base: later commits on the base are not changes of the head."""
        base = self._commit(name)
        if base is None:
            return Unknown(
                why=f"Unknown base {name!r}: a force push removed it, or the clone is shallow. "
                f"Fetch it: git fetch --depth=1 origin {name}"
            )
        # A commit that was fetched alone has no merge base with the head, but can still be compared with it.
        return self._merge_base(base, commit) or base

    def _base(self, commit: str) -> str | Unknown:
        shallow = self._run("rev-parse", "--is-shallow-repository")[1] == b"true\n"
        branch = self._default_branch()
        merge_base = self._merge_base(branch, commit) if branch else None
        if branch and merge_base is None and shallow:
            return Unknown(why=f"The clone is shallow: the merge base with {branch} is not in it. {_FETCH_MORE}")
        if merge_base is not None and merge_base != commit:
            return merge_base
        parent = self._commit(f"{commit}^1")
        if parent is None and shallow:
            return Unknown(why=f"The clone is shallow: the commit before {commit[:7]} is not in it. {_FETCH_MORE}")
        return parent or Unknown(why=f"{commit[:7]} is the first commit: there is no earlier one to compare with.")

    def _default_branch(self) -> str | None:
        origin = self._run("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")[1].decode(errors="replace").strip()
        candidates = (origin, *_DEFAULT_BRANCHES) if origin else _DEFAULT_BRANCHES
        return next((name for name in candidates if self._commit(name)), None)

    def _commit(self, name: str) -> str | None:
        """Return the full id of a commit, None if it does not exist."""
        return self._commit_id("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def _merge_base(self, one: str, other: str) -> str | None:
        return self._commit_id("merge-base", one, other)

    def _commit_id(self, *arguments: str) -> str | None:
        """Return the commit that git prints; None if it ends with 1, which means that there is none."""
        status, output, error = self._run(*arguments)
        if status not in (0, 1):
            raise _GitError(_last_line(error))
        return output.decode().strip() if status == 0 else None

    def _paths(self, *arguments: str) -> frozenset[str]:
        status, output, error = self._run(*arguments)
        if status:
            raise _GitError(_last_line(error))
        return read_names(output)

    def _run(self, *arguments: str) -> tuple[int, bytes, str]:
        return self._git.execute(
            [Git.GIT_PYTHON_GIT_EXECUTABLE, *arguments],
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it printed no reason."])[-1]


def _environment(root: Path) -> dict[str, str]:
    return {
        # With the folder given, git neither searches for it further up nor rejects it because another user owns it, as
        # is the case in a container.
        "GIT_DIR": str(root / ".git"),
        "GIT_WORK_TREE": str(root),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        # Git reads a user's list of ignored files from here, even without any configuration.
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_CONFIG_PARAMETERS": "",
        # Two settings of the repository itself that would run commands. Filters in its .gitattributes still run.
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_KEY_1": "core.hooksPath",
        "GIT_CONFIG_VALUE_1": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
