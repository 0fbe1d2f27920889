"""A cache key covers exactly the files of a build context that the engine uses, and these are the ones of Docker."""

from pathlib import Path

import pytest
from dagger import dag

from ci.planning.cache_key import TreeDigests
from tests.e2e.conftest import Call, MakeTree
from tests.e2e.stacks import write_tree
from tests.folder_tree import FolderTree

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


@pytest.mark.anyio
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


DOCKERFILE = """\
FROM debian:bookworm-slim
COPY . /context/
RUN cd /context && find . -type f | sort && ls node_modules/a/index.js __pycache__/a.pyc .venv/b report/c \\
    .ipynb_checkpoints/d sub/__pycache__/e lib/.git
"""
LEFT = (
    "node_modules/a/index.js",
    "__pycache__/a.pyc",
    ".venv/b",
    "report/c",
    ".ipynb_checkpoints/d",
    "sub/__pycache__/e",
)


def test_a_context_is_what_docker_says(call: Call, tree: MakeTree) -> None:
    """Whatever other tools call its folders. The .git of the root stays out, and the plan says so."""
    root = tree({**dict.fromkeys(LEFT, "x"), "lib/.git": "gitdir: ../x", "images/whole/Dockerfile": DOCKERFILE})
    write_tree(root / "images/own", {**dict.fromkeys(LEFT, "x"), "lib/.git": "x", "Dockerfile": DOCKERFILE})
    write_tree(root, {"images/stack.toml": '[images.whole]\ncontext = "../.."\n', ".git": "gitdir: /nowhere"})
    done = call("--source", root, "build-stack")
    assert done.returncode == 0, done.stderr
    assert "whole: the .git of the source tree is left out" in call("--source", root, "plan").stdout


def test_what_python_leaves_is_part_of_no_suite(call: Call, tree: MakeTree) -> None:
    """Running a suite on a laptop, or its tests in an editor, must not have it run again."""
    suite = "import os\n\ndef test_it():\n    assert sorted(os.listdir('/suite/tests')) == ['test_it.py']\n"
    files = {
        "ci/x.py": "",
        "images/base/Dockerfile": "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y python3\n",
        "images/base/tests/image/test_it.py": suite,
    }
    before = call("--source", tree(files), "plan", "--as-json").stdout
    clutter = (
        "ci/__pycache__/x.pyc",
        "images/base/tests/__pycache__/x.pyc",
        "images/base/tests/image/__pycache__/y.pyc",
        "ci/.ipynb_checkpoints/x.py",
    )
    suites = ("images/base/tests/server/__pycache__/z.pyc", "images/base/tests/image/.ipynb_checkpoints/test_it.py")
    root = tree(dict.fromkeys((*clutter, *suites), "x"))
    assert call("--source", root, "plan", "--as-json").stdout == before
    assert "1 passed" in call("--source", root, "build-stack").stdout
