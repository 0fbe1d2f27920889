"""Which commit a source tree is at, and what changed up to it: the conversation with git about that.

Where git cannot tell what changed, the result is `Unknown` with the reason: everything may have changed.
"""

import re
from collections.abc import Mapping

import msgspec

from ci.errors import RequestError
from ci.planning.changes import Changed, History, Unknown, read_names
from ci.planning.git_diff import read_diff, without_lfs
from ci.planning.git_questions import (
    FILTERS,
    LFS,
    UNTRACKED,
    Conversation,
    GitCommand,
    GitError,
    GitResult,
    WorkTree,
    commit_named,
    diff,
    read_filters,
)
from ci.planning.git_submodules import Submodules

# GitHub gives this as the commit before the push of a new branch.
_NO_COMMIT = re.compile(r"0{40,64}")
_ORIGIN = "refs/remotes/origin/HEAD"
_DEFAULT_BRANCHES = (
    _ORIGIN,
    *(f"refs/{folder}/{name}" for folder in ("remotes/origin", "heads") for name in ("main", "master")),
)
_FETCH_MORE = "Fetch more history: git fetch --unshallow, or `fetch-depth: 0` in GitHub's checkout."


def ask_history(tree: WorkTree, base: str = "", head: str = "") -> Conversation[History]:
    """Compare two commits, given by any name that git knows. Without `head` the work tree is compared.

    Without `base` it is the merge base with the default branch, or else the commit before the head. Raises RequestError
    if `head` does not exist. A missing `base`, as after a force push, is no error: the changes are Unknown.
    """
    if tree.git_file is None:
        return unknown_history("The source tree has no .git folder.")
    try:
        return (yield from _ask(tree, "" if _NO_COMMIT.fullmatch(base) else base, head))
    except GitError as error:
        if tree.git_file:
            return unknown_history(
                "The .git of the source tree is a file, as in a work tree of `git worktree` or in a submodule; the "
                f"repository that it refers to cannot be read ({tree.git_file.strip()}). Use a full clone."
            )
        return unknown_history(f"Git cannot read the history of the source tree: {error}")


def unknown_history(why: str) -> History:
    """Return what is known of a tree whose history cannot be read."""
    return History(commit=None, dirty=True, changes=Unknown(why=why))


def _ask(tree: WorkTree, base: str, head: str) -> Conversation[History]:
    submodules = Submodules(tree)
    questions = _questions(base, head or "HEAD")
    results = yield [*questions.values(), *submodules.questions]
    answers = _Answers(base=base, results=dict(zip(questions, results, strict=False)))
    submodules.read(results[len(questions) :])
    commit = answers.name("commit")
    if commit is None and head:
        raise RequestError(f"Unknown head {head!r}: give a commit, branch or tag of this repository.")
    if commit is None:
        return unknown_history("The repository has no commit yet.")
    filters = read_filters(answers.results["filters"])
    found = answers.base_of(commit)
    # The second comparison is cheap: the first one notes in the index which files are as they were.
    compared = [commit] if head or isinstance(found, Unknown) else [commit, found]
    diffs = [diff(one, None, filters, "") for one in compared]
    if head and not isinstance(found, Unknown):
        diffs.append(diff(found, commit, filters, ""))
    results = yield [*diffs, *submodules.diffs]
    changed: list[frozenset[str]] = []
    for result in results[: len(compared)]:
        changed.append((yield from without_lfs("", read_diff(result), tree)))  # noqa: PERF401 (yields in between)
    unsaved = read_names(answers.results["untracked"].checked) | (yield from submodules.changed(results[len(diffs) :]))
    uncommitted = tuple(sorted(changed[0] | unsaved))
    changes: Changed | Unknown
    if isinstance(found, Unknown):
        changes = found
    elif head:
        changes = Changed(base=found, paths=tuple(sorted(one.path for one in read_diff(results[1]))))
    else:
        changes = Changed(base=found, paths=tuple(sorted(changed[1] | unsaved)))
    return History(
        commit=commit,
        dirty=bool(uncommitted),
        changes=changes,
        uncommitted=uncommitted,
        filters=tuple(name for name in filters if name != LFS),
    )


def _questions(base: str, head: str) -> Mapping[str, GitCommand]:
    """Return all that can be asked at once, by a word for it."""
    words: dict[str, tuple[str, ...]] = {
        "filters": FILTERS,
        "commit": commit_named(head),
        "untracked": UNTRACKED,
    }
    if base:
        words |= {"base": commit_named(base), "fork": _merge_base(base, head)}
    else:
        words |= {"shallow": ("rev-parse", "--is-shallow-repository"), "parent": commit_named(f"{head}^1")}
        words |= {"origin": ("symbolic-ref", "--quiet", _ORIGIN)}
        words |= {f"is {name}": commit_named(name) for name in _DEFAULT_BRANCHES}
        words |= {f"fork {name}": _merge_base(name, head) for name in _DEFAULT_BRANCHES}
    return {word: GitCommand(words=one) for word, one in words.items()}


def _merge_base(one: str, other: str) -> tuple[str, ...]:
    return ("merge-base", "--end-of-options", one, other)


class _Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What git said to `_questions`."""

    base: str
    results: Mapping[str, GitResult]

    def name(self, word: str) -> str | None:
        return self.results[word].name

    def base_of(self, commit: str) -> str | Unknown:
        return self._given_base() if self.base else self._own_base(commit)

    def _given_base(self) -> str | Unknown:
        """Return the merge base with the given base: later commits on the base are not changes of the head."""
        base = self.name("base")
        if base is None:
            return Unknown(
                why=f"Unknown base {self.base!r}: a force push removed it, or the clone is shallow. "
                f"Fetch it: git fetch --depth=1 origin {self.base}"
            )
        # A commit that was fetched alone has no merge base with the head, but can still be compared with it.
        return self.name("fork") or base

    def _own_base(self, commit: str) -> str | Unknown:
        shallow = self.results["shallow"].output == b"true\n"
        branch = next((name for name in _DEFAULT_BRANCHES if self.name(f"is {name}")), None)
        merge_base = self.name(f"fork {branch}") if branch else None
        if branch and merge_base is None and shallow:
            shown = self.results["origin"].output.decode(errors="replace").strip() if branch == _ORIGIN else branch
            return Unknown(why=f"The clone is shallow: the merge base with {shown} is not in it. {_FETCH_MORE}")
        if merge_base is not None and merge_base != commit:
            return merge_base
        parent = self.name("parent")
        if parent is None and shallow:
            return Unknown(why=f"The clone is shallow: the commit before {commit[:7]} is not in it. {_FETCH_MORE}")
        return parent or Unknown(why=f"{commit[:7]} is the first commit: there is no earlier one to compare with.")
