import pytest

from ci.commands.build import build_stack, run_image_tests
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts
from ci.errors import RequestError
from ci.planning.changes import History, Unknown
from ci.stack.reader import read_stack
from tests.unit.build.fakes import FakeBuilder
from tests.unit.commands.samples import COMMIT, FILES, ports, session, tree
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio
PUBLISH = BuildOptions(publish=True)
DIRTY = History(commit=COMMIT, dirty=True, changes=Unknown(why="x"))
NO_COMMIT = History(commit=None, dirty=True, changes=Unknown(why="There is no .git folder."))
NEW_FILES = History(
    commit=COMMIT, dirty=True, changes=Unknown(why="x"), uncommitted=tuple("abcd"), filters=("nbstripout",)
)


async def refused(found: MemoryTree, options: BuildOptions, world: BuildPorts) -> str:
    with pytest.raises(RequestError) as error:
        await build_stack(read_stack(found), found, options, world)
    assert isinstance(world.builder, FakeBuilder)
    assert world.builder.log == []
    return str(error.value)


@pytest.mark.parametrize(
    ("options", "world", "says"),
    [
        pytest.param(BuildOptions(publish=True, test=False), ports(session()), "requires tests", id="untested"),
        pytest.param(PUBLISH, ports(None), "No registry is given", id="no registry"),
        pytest.param(PUBLISH, ports(session(), history=DIRTY), "needs a clean commit", id="dirty"),
        pytest.param(
            PUBLISH,
            ports(session(), history=NEW_FILES),
            "Commit your changes: a, b, c +1. Filters of .git/config are not run here (nbstripout).",
            id="dirty, and why it may be",
        ),
        pytest.param(
            PUBLISH,
            ports(session(), history=NO_COMMIT),
            "the commit of the source tree is not known. There is no .git folder.",
            id="no commit",
        ),
        pytest.param(BuildOptions(publish=True, only=["base"]), ports(session()), "remove --only", id="part"),
        pytest.param(
            PUBLISH, ports(session(), unresolved=["debian:12"]), "Cannot resolve base image debian:12", id="base"
        ),
    ],
)
async def test_what_forbids_publishing_is_said_before_anything_is_built(
    options: BuildOptions, world: BuildPorts, says: str
) -> None:
    text = await refused(tree(), options, world)
    assert text.startswith("Cannot publish:\n  - ")
    assert says in text
    assert text.count("  - ") == 1


async def test_a_stack_without_an_enabled_image_is_not_published() -> None:
    off = "".join(f'[images.{name}]\nenabled = false\nreason = "old"\n' for name in ("base", "ml"))
    found = tree(toml=f'[stack]\nversion = "2026.4"\nrebuild-all = []\n{off}')
    text = await refused(found, PUBLISH, ports(session()))
    assert text == "Cannot publish:\n  - Every image is disabled in stack.toml: nothing can be published."
    report = (await build_stack(read_stack(found), found, BuildOptions(), ports(session()))).report
    assert report.exit_code == 0


async def test_everything_that_forbids_publishing_is_said_at_once() -> None:
    options = BuildOptions(publish=True, test=False, only=["base"])
    text = await refused(tree(toml="[stack]\nrebuild-all = []\n"), options, ports(None, history=DIRTY))
    assert text.count("  - ") == 5


async def test_names_that_no_image_has_are_said_before_anything_is_read() -> None:
    world = ports(session())
    text = await refused(tree(), BuildOptions(only=["bse"], rebuild=["all", "mll"]), world)
    assert "no image 'bse'" in text
    assert "no image 'mll'" in text
    assert world.registry is not None
    assert world.registry.registry.calls == []  # type: ignore[attr-defined]


async def test_without_tests_the_images_are_built_only() -> None:
    found, world = tree(), ports(None)
    report = (await build_stack(read_stack(found), found, BuildOptions(test=False), world)).report
    assert report.exit_code == 0
    assert [image.suites for image in report.images] == [(), ()]
    assert report.started == "2027-01-15T08:00:00+00:00"


async def test_one_image_is_tested_from_source_and_suites_that_do_not_exist_are_refused() -> None:
    found = MemoryTree({**FILES, "images/base/tests/image/test_a.py": ""})
    stack = read_stack(found)
    report = await run_image_tests(stack, "ml", [], ports(None))
    assert [suite.name for image in report.images for suite in image.suites] == ["base/image"]
    with pytest.raises(RequestError):
        await run_image_tests(stack, "ml", ["server"], ports(None))
