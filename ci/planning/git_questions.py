"""What git is asked about a source tree, and what its answers mean. Nothing is run here.

A conversation is a generator: it yields commands, all that can be run at once, and is sent their results. So the same
rules apply wherever git runs: in a container of the engine, or on a local folder.

No command of the repository's configuration is run. Git has no switch for that; what could be run by the few commands
here is listed in `_SETTINGS`, `GitCommand.variables` and `_unfiltered`.
"""

import posixpath
from collections.abc import Generator, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from ci.planning.changes import read_names

T = TypeVar("T")

_NOWHERE = "/dev/null"
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": _NOWHERE,
    # Not a command: without it, files of which only the timestamp differs would count as changed.
    "diff.autoRefreshIndex": "true",
}
_FILTER = "filter."
LFS = "lfs"


class GitError(Exception):
    """A git command failed; the text is git's own."""


class GitCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A git command without the word `git`."""

    words: tuple[str, ...]
    folder: str = ""
    """The work tree of the repository, relative to the source tree: empty, or a submodule."""
    stdin: bytes = b""
    settings: Mapping[str, str] = {}

    def variables(self, root: str) -> Mapping[str, str]:
        """Return the environment variables that it runs with, if the source tree is at the absolute path `root`."""
        settings = {**_SETTINGS, **self.settings}
        found = {
            # With the folder given, git neither searches for it further up nor rejects it because another user owns it,
            # as is the case in a container.
            "GIT_DIR": posixpath.join(root, self.folder, ".git"),
            "GIT_WORK_TREE": posixpath.join(root, self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": _NOWHERE,
            # Git reads a user's list of ignored files from here, even without any configuration.
            "XDG_CONFIG_HOME": _NOWHERE,
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_LITERAL_PATHSPECS": "1",
            # A partial clone lacks objects and fetches them by any means that its configuration says. Git before 2.45
            # does not know the first of these two.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
        }
        for number, (name, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return found


GIT_MISSING = "The git command was not found: the base image of the module must have it."


class GitResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a git command printed, and its exit code."""

    status: int
    output: bytes
    error: str

    @property
    def checked(self) -> bytes:
        """The output of a command that must succeed. Raises GitError."""
        if self.status:
            raise GitError(self._reason)
        return self.output

    @property
    def found(self) -> bytes | None:
        """The output; None if git ended with 1, which means that there is no such thing. Raises GitError."""
        if self.status not in (0, 1):
            raise GitError(self._reason)
        return None if self.status else self.output

    @property
    def name(self) -> str | None:
        """The one name that git printed, such as the full id of a commit; None as in `found`. Raises GitError."""
        return None if self.found is None else self.output.decode(errors="replace").strip()

    @property
    def _reason(self) -> str:
        return (self.error.strip().splitlines() or ["it printed no reason."])[-1]


Conversation = Generator[Sequence[GitCommand], Sequence[GitResult], T]


class WorkTree(Protocol):
    """The files that git compares with its commits."""

    @property
    def git_file(self) -> str | None:
        """The text of `.git` if it is a file, which says where the repository is; None without any `.git`."""
        ...

    @property
    def repositories(self) -> Sequence[str]:
        """The folders below the root that have a `.git` of their own, sorted: submodules, and strangers."""
        ...

    def content(self, path: str) -> tuple[str, int] | None:
        """Return the SHA-256 and the size of a file; None if it is no file."""
        ...


def commit_named(name: str) -> tuple[str, ...]:
    """Return the words that print the full id of a commit, given by any name that git knows."""
    return ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


FILTERS = ("config", "--null", "--name-only", "--get-regexp", r"^filter\.")
_DIFF = (
    *("diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", f"-O{_NOWHERE}"),
    # Otherwise `git status` would run in each submodule, with the commands of *its* configuration: the settings here do
    # not reach it. Submodules are asked one by one instead.
    "--ignore-submodules=dirty",
)
UNTRACKED = ("ls-files", "-z", "--others", "--exclude-standard")


def read_filters(result: GitResult) -> tuple[str, ...]:
    """Return the names of the filters in a repository's configuration, from what FILTERS printed."""
    keys = read_names(result.found or b"")
    return tuple(sorted({key.removeprefix(_FILTER).rpartition(".")[0] for key in keys}))


def diff(one: str, other: str | None, filters: Sequence[str], folder: str) -> GitCommand:
    """Return the command that compares two commits, or a commit with the work tree. `read_diff` reads its output."""
    commits = (one, other) if other else (one,)
    return GitCommand(words=(*_DIFF, *commits, "--"), folder=folder, settings=_unfiltered(filters))


def _unfiltered(filters: Sequence[str]) -> Mapping[str, str]:
    """Return settings with which git runs no filter, and compares the bytes of the work tree as they are."""
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{_FILTER}{name}.{key}": value for name in filters for key, value in off.items()}
