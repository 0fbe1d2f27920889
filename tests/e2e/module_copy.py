"""A checkout of the module, without what no user needs of its repository."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import ROOT
from tests.integration.adapters.git.repository import Repository

_OWN = ("images/", "tests/", "docs/", "benchmarks/", "native_engine/", ".github/", ".ci/")


def copy_module(folder: Path) -> Repository:
    """Copy the module, as it is in the work tree, into a repository that has nothing but the module."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if not name.startswith(_OWN) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    repository = Repository.new(folder)
    repository.commit()
    return repository
