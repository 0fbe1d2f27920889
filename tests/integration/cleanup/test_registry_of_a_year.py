"""A registry with 40 stacks, 3 promotions and a rollback, before and after it is tidied: Debian's docker-registry."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.commands.options import BuildOptions
from ci.commands.tidy import TidyOptions
from ci.oci.reference import Repository
from ci.oci.registry import Registry
from ci.retention.model import Policy
from tests.integration.adapters.oci.contents import Document
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.cleanup.tidying import publish, seen, stack_tag, state, tidied
from tests.integration.promotion.published import STABLE
from tests.integration.publish.debian_runs import DebianRuns
from tests.unit.build.fakes import FakeTester

pytestmark = pytest.mark.anyio

STACKS = 40
DAYS = 5
PROMOTED = (2, 7, 30)
# The rest is older than 90 days.
RECENT = range(STACKS - 90 // DAYS, STACKS)
KEPT = sorted({*RECENT, *PROMOTED})
OPTIONS = TidyOptions(policy=Policy(), most=90, delete=True)


@pytest.fixture
def year(tmp_path: Path) -> Iterator[DebianRegistry]:
    with debian_registry(tmp_path) as running:
        yield running


@pytest.fixture
async def runs(year: DebianRegistry) -> AsyncIterator[DebianRuns]:
    async with HttpRegistry(year.endpoint) as registry:
        yield DebianRuns(year, registry)


async def fill(runs: DebianRuns) -> None:
    """Publish a stack every five days; promote some, and go back from the last one."""
    for number in range(STACKS):
        if number == 35:
            del runs.files["images/r/Dockerfile"]  # an image that the stack no longer has
        if number % 9 == 4:
            await fail(runs, days=(STACKS - 1 - number) * DAYS + 1)
        changed = "base" if number % 8 == 0 else ("ml", "ds", "r")[number % 3] if number < 35 else "ml"
        tag = await publish(runs, runs.registry, number, changed, days=(STACKS - 1 - number) * DAYS)
        if number in PROMOTED:
            await runs.promote(tag)
    await runs.operator.roll_back()


async def fail(runs: DebianRuns, days: int) -> None:
    """A run that leaves an image under its staging tag."""
    before = dict(runs.files)
    runs.files["images/ml/Dockerfile"] = f"FROM ds\nRUN red {days}\n"
    runs.tester = FakeTester(failing="ml base/image")
    runs.commit = "f" * 40
    runs.options = BuildOptions(publish=True)
    assert (await runs.run()).exit_code == 1
    runs.tester = FakeTester()
    runs.files = before


async def pull(registry: Registry, repository: Repository, tag: str) -> int:
    """Read an image with all its blobs, as who pulls it does; return the bytes."""
    manifest = await registry.get(repository.tagged(tag))
    assert manifest is not None, tag
    document = msgspec.json.decode(manifest.content, type=Document)
    blobs = [*document.layers, *([document.config] if document.config else [])]
    contents = [await registry.get_blob(repository, blob) for blob in blobs]
    assert all(content is not None for content in contents), f"{repository.tagged(tag)} has no {blobs}"
    return sum(len(content) for content in contents if content)


async def pulled(runs: DebianRuns) -> Mapping[str, int]:
    places = {name: runs.operator.places[name] for name in runs.operator.places}
    return {
        str(place.tagged(tag)): await pull(runs.registry, place.repository, place.tagged(tag).tag)
        for tag in (*map(stack_tag, KEPT), STABLE)
        for name, place in places.items()
        if name != "r" or tag == STABLE or int(tag[-7:], 16) < 35
    }


async def test_nothing_that_anybody_needs_is_lost(runs: DebianRuns, year: DebianRegistry) -> None:
    await fill(runs)
    tags = [*map(stack_tag, KEPT), STABLE]
    before, downloads, stored = await seen(runs, runs.registry, tags), await pulled(runs), runs.stored()

    dry = await tidied(runs, runs.registry, msgspec.structs.replace(OPTIONS, delete=False))
    assert dry.swept is None
    assert runs.stored() == stored
    assert [*dry.plan.staying_stacks] == [stack_tag(number) for number in reversed(KEPT)]
    assert sum(len(one.going) for one in dry.plan.repositories) > 20

    result = await tidied(runs, runs.registry, OPTIONS)
    assert result.plan == dry.plan
    assert result.swept is not None
    assert (result.swept.in_use, result.swept.problems) == ((), ())
    assert result.swept.images == result.plan.images_going
    year.collect_blobs()
    assert await seen(runs, runs.registry, tags) == before
    assert await pulled(runs) == downloads
    left = await state(runs, runs.registry)
    assert {tag.rpartition(":")[2] for tag in left if ":2026.4-0" in tag} == {stack_tag(number) for number in KEPT}

    stored = runs.stored()
    again = await tidied(runs, runs.registry, OPTIONS)
    assert again.plan.is_empty
    assert runs.stored() == stored
