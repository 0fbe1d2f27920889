"""A cache key covers exactly the files of a build context that the engine uses."""

from pathlib import Path

import pytest
from dagger import dag

from tests.folder_tree import FolderTree
from ci.planning.cache_key import TreeDigests

pytestmark = pytest.mark.anyio

FILES = (
    "a",
    "b.md",
    "README.md",
    "a b",
    ".h",
    "d/x.md",
    "d/keep/x.md",
    "d/e/f/x",
    "d/tests/image/t",
    "é/[x]",
    "s/secret",
)
PATTERNS = (
    (),
    ("*.md", "!README.md"),
    ("**/*.md", "!d/keep"),
    ("*", "!d/e"),
    ("d", "!d/keep/x.md", "empty"),
    ("d/tests/image", "**/\\[x\\]", "link*"),
    ("**/secret", "!s"),
    ("**", "!**/x"),
    ("a?b", "[!a]*", "?"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "context"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "a").chmod(0o755)
    (root / "empty/inner").mkdir(parents=True)
    (root / "link").symlink_to("d/e")
    (root / "link.gone").symlink_to("nowhere")
    return root


@pytest.mark.parametrize("patterns", PATTERNS, ids=str)
async def test_the_digest_of_a_context_covers_what_the_engine_includes(
    session: None,  # noqa: ARG001 (it must be open)
    folder: Path,
    patterns: tuple[str, ...],
) -> None:
    built = folder.with_name("built")
    await dag.host().directory(str(folder)).filter(exclude=list(patterns)).export(str(built))
    expected = TreeDigests(FolderTree(folder)).context(".", patterns)
    assert TreeDigests(FolderTree(built)).context(".", ()) == expected, sorted(FolderTree(built).entries)
