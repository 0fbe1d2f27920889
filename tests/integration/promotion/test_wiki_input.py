"""What the wiki is made from, read from Debian's docker-registry."""

from collections.abc import Sequence

import pytest

from ci.commands.wiki_input import WikiReader
from ci.wiki.model import StableStack, Version, WikiInput
from tests.integration.publish.debian_runs import SECOND, STABLE, DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, TAG

pytestmark = pytest.mark.anyio
NEW = "Package: new\nVersion: 1\n"


def reader(runs: DebianRuns) -> WikiReader:
    return WikiReader(runs.stack_of(runs.tree()), runs.session(runs.registry), prefix="https://x.test/wiki/")


async def read(runs: DebianRuns) -> WikiInput:
    return await reader(runs).read()


async def only_version(runs: DebianRuns) -> Version:
    (version,) = (await read(runs)).versions
    return version


def published(version: Version) -> Sequence[str]:
    return [stack.tag for stack in version.published]


async def test_nothing_is_published(runs: DebianRuns) -> None:
    wiki = await read(runs)
    assert (wiki.versions, wiki.dependencies, wiki.bases) == ((), None, {})


async def test_a_published_stack_with_what_is_in_it(runs: DebianRuns) -> None:
    await runs.publish()
    wiki = await read(runs)
    (version,) = wiki.versions
    assert (version.name, version.stable, published(version)) == ("2026.4", None, [TAG])
    contents = version.published[0].contents
    assert contents.images == {image.name: await runs.description(image) for image in await runs.images()}
    assert (contents.name, contents.missing) == (TAG, {})
    assert wiki.dependencies
    assert {image.name: image.parent for image in wiki.dependencies.images} == dict(contents.parents)
    assert set(contents.parents.values()) == {None, "base", "ds"}
    assert wiki.prefix == "https://x.test/wiki/"
    assert all(wiki.bases.values())
    assert wiki.bases


async def test_each_time_it_is_read_anew(runs: DebianRuns) -> None:
    await runs.publish()
    one = reader(runs)
    assert published((await one.read()).versions[0]) == [TAG]
    await runs.change("ds", NEW)
    await runs.promote(SECOND)
    (version,) = (await one.read()).versions
    assert published(version) == [SECOND, TAG]
    assert version.stable


async def test_versions_are_in_the_order_of_their_numbers(runs: DebianRuns) -> None:
    for version in ("2026.4", "2026.10", "2025.12", "fall26"):
        runs.files["images/stack.toml"] = f'[stack]\nversion = "{version}"\nrebuild-all = []\n'
        await runs.publish()
    assert [version.name for version in (await read(runs)).versions] == ["2026.10", "2026.4", "2025.12", "fall26"]


async def test_what_is_configured(runs: DebianRuns) -> None:
    runs.files["images/stack.toml"] += '[wiki]\npublished = 1\n[describe]\nhighlights = ["apt:new"]\n'
    await runs.publish()
    await runs.change("ds", NEW)
    wiki = await read(runs)
    assert [published(version) for version in wiki.versions] == [[SECOND]]
    assert wiki.highlights == ("apt:new",)


async def test_a_tag_that_was_published_again_is_what_it_points_to_now(runs: DebianRuns) -> None:
    await runs.publish()
    runs.files["images/ds/Dockerfile"] = "FROM base\nRUN other\n"
    report = await runs.publish()
    version = await only_version(runs)
    assert published(version) == [TAG]
    assert version.published[0].run.started == report.started
    digests = {image.name: image.digest for image in await runs.images()}
    assert {image.name: image.digest for image in version.published[0].run.images} == digests


async def test_a_stack_that_was_removed_has_no_page(runs: DebianRuns) -> None:
    await runs.publish()
    kept = {image.digest for image in await runs.images()}
    await runs.change("base", NEW)
    for image in await runs.images(SECOND):
        if image.digest not in kept:
            await runs.registry.delete(image.place.pinned(image.digest))
    assert published(await only_version(runs)) == [TAG]


async def stable_of(runs: DebianRuns) -> StableStack:
    stable = (await only_version(runs)).stable
    assert stable
    return stable


async def test_what_is_stable_and_what_changed(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.change("ds", NEW)
    await runs.promote(TAG)
    stable = await stable_of(runs)
    assert (stable.tag, stable.run and stable.run.tag, dict(stable.differences)) == (STABLE, TAG, {})

    await runs.promote(SECOND)
    stable = await stable_of(runs)
    assert stable.run
    assert stable.run.tag == SECOND
    (difference,) = stable.differences.values()
    assert [(image.image, change.name) for image in difference.images for change in image.packages] == [("ds", "new")]

    await runs.operator.roll_back()
    stable = await stable_of(runs)
    assert stable.run
    assert stable.run.tag == TAG
    assert stable.contents
    assert set(stable.contents.images) == set(IMAGES)
    assert stable.timeline.current
    back = stable.differences[stable.timeline.current.id]
    assert (back.old, back.new) == (SECOND, TAG)

    await runs.operator.roll_back()
    stable = await stable_of(runs)
    assert (stable.contents, stable.run) == (None, None)
    assert len(stable.timeline.entries) == 4


async def test_an_image_without_a_description_is_named(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.promote()
    await runs.forget_descriptions("ds")
    version = await only_version(runs)
    assert version.stable
    assert version.stable.contents
    for contents in (version.published[0].contents, version.stable.contents):
        assert set(contents.missing) == {"ds"}
        assert f"describe --tag {contents.name} --keep" in contents.missing["ds"]
