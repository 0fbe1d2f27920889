"""What a plan says of real repositories, after one commit of them was published."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ci.adapters.git.history import read_history
from ci.planning.changes import History
from tests.folder_tree import FolderTree
from tests.integration.adapters.git.repository import Repository
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.pipeline_harness import FILES, Pipeline

pytestmark = pytest.mark.anyio
TOML = "images/stack.toml"
ML, R, BASE = "images/ml/Dockerfile", "images/r/Dockerfile", "images/base/Dockerfile"
OTHER = "FROM ds\nRUN other\n"
REUSED = dict.fromkeys(("base", "ds", "ml", "r"), "published")


class GitPipeline(Pipeline):
    """A Pipeline whose sources are a repository."""

    def __init__(self, server: RegistryServer, repository: Repository) -> None:
        super().__init__(server)
        self.repository = repository
        self.compared: tuple[str, str] = ("", "")

    def tree(self) -> FolderTree:
        return FolderTree(self.repository.root)

    async def history(self, base: str, head: str) -> History:
        assert (base, head) == ("", "")
        return read_history(self.repository.root, *self.compared)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[GitPipeline]:
    repository = Repository.new(tmp_path / "repository")
    repository.commit(**FILES)
    repository.commit(**{"images/base/words with blanks é": "1"})
    with RegistryServer().serving() as server:
        yield GitPipeline(server, repository)


def a_commit(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{ML: OTHER})


def two_commits(pipeline: GitPipeline) -> None:
    """Where only the last one would be looked at, ml would be forgotten."""
    pipeline.repository.git("checkout", "--quiet", "-b", "topic")
    pipeline.repository.commit(**{ML: OTHER})
    pipeline.repository.commit(**{R: "FROM base\nRUN other\n"})


def a_merge(pipeline: GitPipeline) -> None:
    git = pipeline.repository.git
    git("checkout", "--quiet", "-b", "topic")
    pipeline.repository.commit(**{ML: OTHER})
    git("checkout", "--quiet", "main")
    pipeline.repository.commit(**{"README.md": "1"})
    git("merge", "--quiet", "--no-ff", "--message", "m", "topic")


def a_rename(pipeline: GitPipeline) -> None:
    pipeline.repository.git("mv", "images/base/words with blanks é", "images/base/moved")
    pipeline.repository.commit()


def a_shallow_clone(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{ML: OTHER})
    pipeline.repository = pipeline.repository.clone("--depth=1")


def a_detached_head(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{ML: OTHER})
    pipeline.repository.git("checkout", "--quiet", "--detach")


def a_dirty_tree(pipeline: GitPipeline) -> None:
    pipeline.repository.write(ML, OTHER)


def a_new_file(pipeline: GitPipeline) -> None:
    pipeline.repository.write("images/r/new", "1")


def a_force_push(pipeline: GitPipeline) -> None:
    pipeline.compared = ("1" * 40, "")
    pipeline.repository.commit(**{ML: OTHER})


def an_unrelated_commit_after_a_red_one(pipeline: GitPipeline) -> None:
    """The old script would see the second only, and take the image of before the first for good."""
    pipeline.repository.commit(**{ML: OTHER})
    pipeline.repository.commit(**{"README.md": "1"})


def a_commit_taken_back(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{ML: OTHER})
    pipeline.repository.commit(**{ML: FILES[ML]})


def no_git(pipeline: GitPipeline) -> None:
    pipeline.repository.write(ML, OTHER)
    (pipeline.repository.root / ".git").rename(pipeline.repository.root.parent / "gone")


def other_code(pipeline: GitPipeline) -> None:
    pipeline.code = replace(pipeline.code, image_code="other")
    pipeline.repository.commit(**{"README.md": "1"})


def another_engine(pipeline: GitPipeline) -> None:
    pipeline.code = replace(pipeline.code, engine="v2")


def other_code_for_suites(pipeline: GitPipeline) -> None:
    pipeline.code = replace(pipeline.code, suite_code="other")


def another_compression(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{TOML: FILES[TOML].replace("[stack]", '[stack]\ncompression = "zstd"')})


def a_budget(pipeline: GitPipeline) -> None:
    pipeline.repository.commit(**{TOML: f"{FILES[TOML]}[budget]\n"})


CASES: list[tuple[Callable[[GitPipeline], None], dict[str, str]]] = [
    (a_commit, {"ml": f"files changed: {ML}"}),
    (two_commits, {"ml": f"files changed: {ML}", "r": f"files changed: {R}"}),
    (a_merge, {"ml": f"files changed: {ML}"}),
    (
        a_rename,
        {
            "base": "files changed: images/base/moved, images/base/words with blanks é",
            "ds": "parent changes: base",
            "ml": "parent changes: ds",
            "r": "parent changes: base",
        },
    ),
    (a_shallow_clone, {"ml": "no history: The clone is shallow"}),
    (a_detached_head, {"ml": f"files changed: {ML}"}),
    (a_dirty_tree, {"ml": f"files changed: {ML}"}),
    (a_new_file, {"r": "files changed: images/r/new"}),
    (a_force_push, {"ml": "no history: Unknown base '1111111"}),
    (an_unrelated_commit_after_a_red_one, {"ml": "never published: no image with this content"}),
    (a_commit_taken_back, {}),
    (other_code, dict.fromkeys(REUSED, "pipeline changed: the code that builds images")),
    (another_engine, dict.fromkeys(REUSED, "pipeline changed: the engine v1 -> v2")),
    (other_code_for_suites, {}),
    (
        another_compression,
        {
            "base": f"settings changed: {TOML}",
            "ds": "parent changes: base",
            "ml": "parent changes: ds",
            "r": "parent changes: base",
        },
    ),
    (a_budget, {}),
    (no_git, {"ml": "no history: The source tree has no .git folder."}),
]


@pytest.mark.parametrize(("change", "expected"), CASES, ids=[change.__name__ for change, _ in CASES])
async def test_reasons(pipeline: GitPipeline, change: Callable[[GitPipeline], None], expected: dict[str, str]) -> None:
    registry = MemoryRegistry()
    assert (await pipeline.run_with(registry)).exit_code == 0
    change(pipeline)
    plan = await pipeline.plan(registry)
    for image in plan.images:
        assert image.reason.startswith({**REUSED, **expected}[image.name]), image
    assert plan.to_build == tuple(name for name in REUSED if name in expected)


async def test_a_first_commit_that_was_never_published(tmp_path: Path) -> None:
    repository = Repository.new(tmp_path)
    repository.commit(**FILES)
    with RegistryServer().serving() as server:
        plan = await GitPipeline(server, repository).plan(MemoryRegistry())
    assert [image.reason for image in plan.images] == [
        "never published: first build",
        "never published: first build",
        "never published: first build",
        "never published: first build",
    ]


def as_it_is(pipeline: GitPipeline) -> None:
    """Two commits, as the fixture makes them."""


@pytest.mark.parametrize("state", [as_it_is, a_commit, a_dirty_tree, a_shallow_clone, a_force_push, no_git])
async def test_the_first_publication_says_so_whatever_git_says(
    pipeline: GitPipeline, state: Callable[[GitPipeline], None]
) -> None:
    """ "files changed" and "parent changes" would read as if something else was there before."""
    state(pipeline)
    plan = await pipeline.plan(MemoryRegistry())
    assert {image.reason for image in plan.images} == {"never published: first build"}
    assert plan.notes[0].startswith("Nothing of this stack is published in ")


async def test_a_stack_of_which_anything_is_published_has_no_such_note(pipeline: GitPipeline) -> None:
    registry = MemoryRegistry()
    assert (await pipeline.run_with(registry)).exit_code == 0
    a_force_push(pipeline)
    pipeline.repository.commit(**{BASE: "FROM scratch\n"})
    plan = await pipeline.plan(registry)
    assert plan.images[0].reason.startswith("no history: Unknown base '1111111")
    assert [image.reason for image in plan.images[1:]] == [f"parent changes: {name}" for name in ("base", "ds", "base")]
    assert not plan.notes
