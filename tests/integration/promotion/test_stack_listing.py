"""The stacks that were published, and what became of them, in Debian's docker-registry."""

import pytest

from ci.commands.describe import list_stacks
from ci.errors import RequestError
from ci.oci.registry import Manifest
from ci.promotion.stack_listing import ListedStack
from ci.reports.stacks import render_stacks
from tests.integration.promotion.published import NOW
from tests.integration.publish.debian_runs import SECOND, STABLE, DebianRuns
from tests.integration.publish.pipeline_harness import COMMIT, IMAGES, TAG

pytestmark = pytest.mark.anyio
SINCE, WAS = f"{STABLE} since {NOW}", f"was {STABLE} from {NOW}"


async def listed(runs: DebianRuns, version: str = "") -> tuple[ListedStack, ...]:
    stack = runs.stack_of(runs.tree())
    return (await list_stacks(stack, runs.session(runs.registry), version)).stacks


async def statuses(runs: DebianRuns) -> dict[str, str]:
    return {one.tag: one.status for one in await listed(runs)}


async def two_stacks(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.change("ds", "Package: new\nVersion: 1\n")


async def test_what_is_listed_of_a_stack(runs: DebianRuns) -> None:
    report = await runs.publish()
    (one,) = await listed(runs)
    contents = [await runs.description(image) for image in await runs.images()]
    assert one == ListedStack(
        tag=TAG,
        published=report.started,
        commit=COMMIT,
        images=len(IMAGES),
        size=sum(image.compressed_size or 0 for image in contents),
        status="",
    )


async def test_what_became_of_them(runs: DebianRuns) -> None:
    await two_stacks(runs)
    assert await statuses(runs) == {SECOND: "", TAG: ""}
    await runs.promote(TAG)
    assert await statuses(runs) == {SECOND: "", TAG: SINCE}
    await runs.promote(SECOND)
    assert list((await statuses(runs)).items()) == [(SECOND, SINCE), (TAG, WAS)]
    await runs.operator.roll_back()
    assert await statuses(runs) == {SECOND: WAS, TAG: SINCE}
    await runs.operator.roll_back()
    assert await statuses(runs) == {SECOND: WAS, TAG: WAS}  # withdrawn: nothing is stable


async def test_a_stable_tag_that_was_changed_by_hand(runs: DebianRuns) -> None:
    await two_stacks(runs)
    await runs.promote(TAG)
    for image in await runs.images(SECOND):
        manifest = await runs.registry.get(image.place.pinned(image.digest))
        assert isinstance(manifest, Manifest)
        await runs.registry.put(image.place.tagged(STABLE), manifest)
    assert await statuses(runs) == {SECOND: "", TAG: WAS}


async def test_a_tag_that_was_published_again_with_other_images(runs: DebianRuns) -> None:
    """Only the images that were promoted were stable."""
    await runs.publish()
    await runs.promote(TAG)
    runs.files["images/ds/Dockerfile"] = "FROM base\nRUN other\n"
    await runs.publish()
    assert [(one.tag, one.status) for one in await listed(runs)] == [(TAG, ""), (TAG, SINCE)]
    await runs.promote(TAG)
    assert [(one.tag, one.status) for one in await listed(runs)] == [(TAG, SINCE), (TAG, WAS)]


async def test_each_version_has_its_own(runs: DebianRuns) -> None:
    await runs.publish()
    runs.files["images/stack.toml"] = '[stack]\nversion = "2026.5"\nrebuild-all = []\n'
    await runs.publish()
    other = TAG.replace("2026.4", "2026.5")
    await runs.promote(other)
    assert [(one.tag, one.status) for one in await listed(runs)] == [(other, f"2026.5-stable since {NOW}")]
    assert [(one.tag, one.status) for one in await listed(runs, "2026.4")] == [(TAG, "")]
    assert await listed(runs, "2025.1") == ()


async def test_the_table_says_it(runs: DebianRuns) -> None:
    await two_stacks(runs)
    await runs.promote(TAG)
    stack = runs.stack_of(runs.tree())
    text = render_stacks(await list_stacks(stack, runs.session(runs.registry)))
    assert [line.split()[0] for line in text.splitlines()[2:]] == [SECOND, TAG]
    assert text.splitlines()[-1].endswith(SINCE)


async def test_without_a_version_it_says_how_to_name_one(runs: DebianRuns) -> None:
    runs.files["images/stack.toml"] = "[stack]\nrebuild-all = []\n"
    with pytest.raises(RequestError, match="Which version"):
        await listed(runs)
