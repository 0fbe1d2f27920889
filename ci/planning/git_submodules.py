"""Which submodules have changes that are not committed in them: asked of each by itself (see `git_questions.diff`)."""

from collections.abc import Mapping, Sequence

from ci.planning.changes import read_names
from ci.planning.git_diff import read_diff, without_lfs
from ci.planning.git_questions import (
    FILTERS,
    UNTRACKED,
    Conversation,
    GitCommand,
    GitResult,
    WorkTree,
    commit_named,
    diff,
    read_filters,
)

_SUBMODULE = "160000"


class Submodules:
    """The conversation about the submodules of a source tree, nested ones included."""

    def __init__(self, tree: WorkTree) -> None:
        self._tree = tree
        self._candidates = tree.repositories
        self._inside = {folder: _above(folder, self._candidates) for folder in self._candidates}
        self._commits: Mapping[str, str | None] = {}
        self._filters: Mapping[str, Sequence[str]] = {}
        self._untracked: Mapping[str, bool] = {}

    @property
    def questions(self) -> Sequence[GitCommand]:
        """What can be asked at once: four commands for each folder with a `.git`, be it a submodule or not."""
        return [
            command
            for folder, above in self._inside.items()
            for command in (
                GitCommand(words=("ls-files", "-s", "-z", "--", _relative(folder, above)), folder=above),
                GitCommand(words=FILTERS, folder=folder),
                GitCommand(words=commit_named("HEAD"), folder=folder),
                GitCommand(words=UNTRACKED, folder=folder),
            )
        ]

    def read(self, results: Sequence[GitResult]) -> None:
        """Take the answers to `questions`. Raises GitError."""
        groups = dict(zip(self._inside, zip(*(results[start::4] for start in range(4)), strict=True), strict=True))
        # In the order of their paths, a submodule comes before those in it. Strangers are not asked further.
        members = {""}
        for folder, (listed, *_) in groups.items():
            above = self._inside[folder]
            if above in members and listed.checked.decode(errors="replace").startswith(f"{_SUBMODULE} "):
                members.add(folder)
        known = {folder: group[1:] for folder, group in groups.items() if folder in members}
        self._filters = {folder: read_filters(filters) for folder, (filters, _, _) in known.items()}
        self._commits = {folder: commit.name for folder, (_, commit, _) in known.items()}
        self._untracked = {folder: bool(read_names(found.checked)) for folder, (_, _, found) in known.items()}

    @property
    def diffs(self) -> Sequence[GitCommand]:
        """What is asked next."""
        return [diff(commit, None, self._filters[folder], folder) for folder, commit in self._commits.items() if commit]

    def changed(self, results: Sequence[GitResult]) -> Conversation[frozenset[str]]:
        """Return the submodules of the source tree itself that have changes in them, or in their own submodules."""
        found = {folder for folder, commit in self._commits.items() if commit is None or self._untracked[folder]}
        compared = [folder for folder, commit in self._commits.items() if commit]
        for folder, result in zip(compared, results, strict=True):
            if (yield from without_lfs(folder, read_diff(result), self._tree)):
                found.add(folder)
        return frozenset(self._outermost(folder) for folder in found)

    def _outermost(self, folder: str) -> str:
        while self._inside[folder]:
            folder = self._inside[folder]
        return folder


def _above(folder: str, folders: Sequence[str]) -> str:
    """Return the innermost of `folders` that a folder is in; empty for the source tree itself."""
    known = frozenset(folders)
    parent = folder.rpartition("/")[0]
    while parent and parent not in known:
        parent = parent.rpartition("/")[0]
    return parent


def _relative(folder: str, above: str) -> str:
    return folder.removeprefix(f"{above}/") if above else folder
