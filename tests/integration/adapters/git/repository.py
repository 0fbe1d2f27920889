"""Repositories that tests change with git's own commands."""

import subprocess
from pathlib import Path

from ci.adapters.git.history import read_history
from ci.planning.changes import Changed, Unknown


class Repository:
    """One of them; `root` is its work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def new(cls, root: Path) -> "Repository":
        """Make one without a commit, of a maintainer, in a folder that may have files."""
        root.mkdir(parents=True, exist_ok=True)
        repository = cls(root)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.git("config", "user.name", "a maintainer")
        repository.git("config", "user.email", "maintainer@example.org")
        return repository

    def git(self, *arguments: str | bytes) -> str:
        ran = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)
        return ran.stdout.decode(errors="replace").strip()

    def write(self, path: str, text: str = "x") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self, **files: str) -> str:
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "m")
        return self.git("rev-parse", "HEAD")

    def changes(self, base: str = "", head: str = "") -> tuple[str, set[str]]:
        """Return the commit that the head was compared with, and the paths that differ."""
        found = read_history(self.root, base, head).changes
        assert isinstance(found, Changed), found
        assert found.paths == tuple(sorted(found.paths))
        return found.base, set(found.paths)

    def why(self, base: str = "") -> str:
        """Return why it is not known what changed."""
        found = read_history(self.root, base).changes
        assert isinstance(found, Unknown), found
        return found.why

    def clone(self, *options: str) -> "Repository":
        root = self.root.with_name(f"{self.root.name}-clone")
        self.git("clone", "--quiet", *options, f"file://{self.root}", str(root))
        return Repository(root)


def branch(repository: Repository) -> str:
    """Create a branch with two commits; return its merge base with `main`, which has a later commit of its own."""
    left = repository.git("rev-parse", "HEAD")
    repository.commit(on_main="1")
    repository.git("checkout", "--quiet", "-b", "topic", left)
    repository.commit(c="1")
    repository.commit(d="1")
    return left
