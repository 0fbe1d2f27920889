"""Git, by GitPython: which commit the source tree is at, and what changed up to it.

Nothing of a user's configuration counts, no shell is used, and nothing is fetched. What git cannot tell becomes
`Unknown` with a sentence, which means that everything may have changed.
"""

import os
import re
from pathlib import Path

# GitPython looks for git when it is imported, and fails there without this. We say so when git is needed.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from git.cmd import Git
from git.exc import GitCommandNotFound

from ci.errors import RequestError
from ci.planning.changes import Changed, History, Unknown, read_names

# What a push of a new branch names as the commit before it.
_NO_COMMIT = re.compile(r"0{40,64}")
_DEFAULT_BRANCHES = tuple(
    f"refs/{place}/{name}" for place in ("remotes/origin", "heads") for name in ("main", "master")
)
_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--ignore-submodules=none")
_UNTRACKED = ("ls-files", "-z", "--others", "--exclude-standard")
_DEEPER = "Fetch more: git fetch --unshallow, or `fetch-depth: 0` in GitHub's checkout."


class _RefusedError(Exception):
    """Git could not do it; the text is its own."""


def read_history(root: Path, base: str = "", head: str = "") -> History:
    """Compare two commits, by any names that git knows; the head is the work tree if none is given.

    Without a base it is where the head left the default branch, or else the commit before the head. RequestError for a
    head that does not exist. A base that does not is what a force push leaves behind: what changed is unknown then.
    """
    if not (root / ".git").exists():
        return _unknown("The source tree has no .git folder.")
    try:
        return _Repository(root.absolute()).read(base, head)
    except GitCommandNotFound:
        return _unknown("There is no git command here: the base image of the module has to bring it.")
    except _RefusedError as error:
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
            raise RequestError(f"The history has no commit {head!r} to take as the head. Name a commit, branch or tag.")
        if commit is None:
            return _unknown("There is no commit yet.")
        untracked = self._names(*_UNTRACKED)
        dirty = bool(untracked or self._names(*_DIFF, commit, "--"))
        against = self._named_base(base, commit) if base and not _NO_COMMIT.fullmatch(base) else self._base(commit)
        if isinstance(against, Unknown):
            return History(commit=commit, dirty=dirty, changes=against)
        paths = self._names(*_DIFF, against, commit, "--") if head else self._names(*_DIFF, against, "--") | untracked
        return History(commit=commit, dirty=dirty, changes=Changed(base=against, paths=tuple(sorted(paths))))

    def _named_base(self, name: str, commit: str) -> str | Unknown:
        """Return where the head left the base: what was done on the base since is no change of the head."""
        base = self._commit(name)
        if base is None:
            return Unknown(
                why=f"The history here has no commit {name!r} to compare with: a force push left it behind, or the "
                f"clone is shallow. Fetch it: git fetch --depth=1 origin {name}"
            )
        # A commit that was fetched alone has nothing in common with the head, but can be compared with it.
        return self._merge_base(base, commit) or base

    def _base(self, commit: str) -> str | Unknown:
        shallow = self._run("rev-parse", "--is-shallow-repository")[1] == b"true\n"
        branch = self._default_branch()
        left = self._merge_base(branch, commit) if branch else None
        if branch and left is None and shallow:
            return Unknown(why=f"The clone is shallow and does not reach to where {branch} was left. {_DEEPER}")
        if left is not None and left != commit:
            return left
        parent = self._commit(f"{commit}^1")
        if parent is None and shallow:
            return Unknown(why=f"The clone is shallow: the commit before {commit[:7]} is not in it. {_DEEPER}")
        return parent or Unknown(why=f"{commit[:7]} is the first commit: there is none to compare it with.")

    def _default_branch(self) -> str | None:
        named = self._run("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")[1].decode(errors="replace").strip()
        candidates = (named, *_DEFAULT_BRANCHES) if named else _DEFAULT_BRANCHES
        return next((name for name in candidates if self._commit(name)), None)

    def _commit(self, name: str) -> str | None:
        """Return the full name of a commit, None if there is no such one."""
        return self._maybe("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def _merge_base(self, one: str, other: str) -> str | None:
        return self._maybe("merge-base", one, other)

    def _maybe(self, *words: str) -> str | None:
        """Return the commit that git prints; None if it says with 1 that there is none."""
        status, output, error = self._run(*words)
        if status not in (0, 1):
            raise _RefusedError(_last_line(error))
        return output.decode().strip() if status == 0 else None

    def _names(self, *words: str) -> frozenset[str]:
        status, output, error = self._run(*words)
        if status:
            raise _RefusedError(_last_line(error))
        return read_names(output)

    def _run(self, *words: str) -> tuple[int, bytes, str]:
        return self._git.execute(
            [Git.GIT_PYTHON_GIT_EXECUTABLE, *words],
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it does not say why."])[-1]


def _environment(root: Path) -> dict[str, str]:
    return {
        # Named outright, the folder is neither looked for further up nor refused for belonging to another user, as it
        # does in a container.
        "GIT_DIR": str(root / ".git"),
        "GIT_WORK_TREE": str(root),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        # Where ignored files are listed for a user, even without a configuration that says so.
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_CONFIG_PARAMETERS": "",
        # Of the repository's own settings, these two would be commands to run.
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_KEY_1": "core.hooksPath",
        "GIT_CONFIG_VALUE_1": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
