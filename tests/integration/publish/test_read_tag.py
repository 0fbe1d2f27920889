"""What is in the images of a tag, read from the registry: of stacks with descriptions, and of those without."""

import pytest

from ci.build.engine_failure import EngineFailure
from ci.commands.describe import FailedBuildError, chosen, compare, describe_source, list_stacks, read_tag
from ci.contents.described_stack import DescribedStack
from ci.contents.inspection import Inspection
from ci.contents.model import SCHEMA
from ci.errors import ExternalError, RequestError
from ci.fusion.fused import Fused
from ci.oci.referrers import Artifact, push_referrer
from ci.oci.registry import ProtocolError
from ci.oci.tombstone import write_tombstone
from ci.planning.secrets import GivenSecrets
from ci.promotion.package_history import package_history
from ci.registry_format import CONTENTS
from tests.integration.adapters.oci.faults import refusing
from tests.integration.publish.debian_runs import SECOND, STABLE, DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, OWN, SHARED, TAG, Form, Pipeline, results
from tests.unit.build.fakes import FakeInspector

pytestmark = pytest.mark.anyio
PARENTS = {"base": None, "ds": "base", "ml": "ds", "r": "base"}
WITHOUT = "it was published without a description."


class Failing(FakeInspector):
    """An Inspector that can read no image."""

    async def inspect(self, image: Fused | str) -> Inspection | EngineFailure:
        await super().inspect(image)
        return EngineFailure(message="no space left on device")


async def test_a_stack_tag_and_a_stable_tag(runs: DebianRuns) -> None:
    report = await runs.publish()
    await runs.promote()
    runs.inspector = FakeInspector()
    for tag in (TAG, STABLE):
        found, lines = await runs.read(tag, fetches=True)
        assert (found.tag, found.stack.name, dict(found.stack.parents)) == (tag, tag, PARENTS)
        assert found.stack.names == IMAGES
        assert [image.digest for image in found.images] == [image.digest for image in report.images]
        assert [one.packages[0].name for one in found.stack.images.values()] == [f"of-{name}" for name in IMAGES]
        assert found.record is not None
        assert (found.record.tag, lines, found.stack.missing) == (TAG, [], {})
    assert runs.inspector.inspected == []


async def test_two_stacks_are_compared(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.change("ds", "Package: new\nVersion: 1\n")
    (old, _), (new, _) = await runs.read(TAG), await runs.read(SECOND)
    difference = compare(old.stack, new.stack)
    assert [(one.image, package.name) for one in difference.images for package in one.packages] == [("ds", "new")]
    with pytest.raises(RequestError, match=r"The stack has no image 'dss'\. Did you mean 'ds'"):
        compare(old.stack, new.stack, images=["dss"])


async def test_a_tag_that_no_image_has(runs: DebianRuns) -> None:
    with pytest.raises(RequestError) as raised:
        await runs.read("2026.4-fffffff")
    assert str(raised.value) == ("No image has the tag '2026.4-fffffff'. `stacks` lists those that were published.")
    await runs.publish()
    await runs.change("ds", "Package: new\nVersion: 1\n")
    for given, meant in (("2026.4-a1239ac", TAG), ("2026.4-bbbbbb", SECOND), ("2026.4-stabel", STABLE)):
        with pytest.raises(RequestError, match=rf"No image has the tag '{given}'\. Did you mean '?{meant}'?"):
            await runs.read(given)
    with pytest.raises(RequestError, match=rf"The newest published stack is {SECOND}\. `stacks` lists"):
        await runs.read("something-else")


@pytest.mark.parametrize("keep", [False, True])
async def test_an_image_without_a_description_is_fetched(runs: DebianRuns, *, keep: bool) -> None:
    await runs.publish()
    await runs.forget_descriptions("ds", "r")
    unread, _ = await runs.read()
    assert sorted(unread.stack.images) == ["base", "ml"]
    sentence = f"It was published without a description. `describe --tag {TAG} --keep` makes one."
    assert unread.stack.missing == {"ds": sentence, "r": sentence}
    runs.inspector = inspector = FakeInspector()
    found, lines = await runs.read(fetches=True, keep=keep)
    images = {image.name: image for image in found.images}
    sizes = {name: found.stack.images[name].compressed_size for name in IMAGES}
    assert lines == [f"Fetching {name} ({sizes[name]} B): {WITHOUT}" for name in ("ds", "r")]
    assert inspector.inspected == [str(images[name].place.pinned(images[name].digest)) for name in ("ds", "r")]
    assert (found.stack.missing, dict(found.stack.parents)) == ({}, PARENTS)
    assert [one.packages[0].name for one in map(found.stack.images.__getitem__, IMAGES)] == [
        f"of-{name}" for name in IMAGES
    ]
    again, lines = await runs.read()
    assert sorted(again.stack.missing) == ([] if keep else ["ds", "r"])
    if keep:
        assert again.stack.images["ds"] == found.stack.images["ds"]


async def test_the_sentence_comes_before_the_fetching(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.forget_descriptions("ds")
    runs.inspector = inspector = FakeInspector()
    fetched_before: list[int] = []

    def log(_line: str) -> None:
        fetched_before.append(len(inspector.inspected))

    session = runs.session(runs.registry)
    await read_tag(runs.stack_of(runs.tree()), session, TAG, inspector=inspector, log=log)
    assert (fetched_before, len(inspector.inspected)) == ([0], 1)


async def test_an_image_that_cannot_be_read_is_named(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.forget_descriptions("ds")
    runs.inspector = Failing()
    with pytest.raises(ExternalError, match=r"^ds cannot be read: no space left on device$"):
        await runs.read(fetches=True, keep=True)
    assert (await runs.read())[0].stack.missing.keys() == {"ds"}


async def test_a_description_of_a_newer_version_says_both_numbers(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.forget_descriptions("ds")
    image = next(image for image in await runs.images() if image.name == "ds")
    manifest = await runs.registry.get(image.place.pinned(image.digest))
    assert manifest is not None
    newer = Artifact(type=CONTENTS, media_type="application/json", content=b'{"schema":%d,"new":[]}' % (SCHEMA + 1))
    await push_referrer(runs.registry, image.place.repository, manifest.descriptor, newer)
    with pytest.raises(
        ProtocolError, match=rf"its schema is {SCHEMA + 1}, and this version reads {SCHEMA}\."
    ) as raised:
        await runs.read(fetches=True)
    assert "ucsdets/ds@sha256:" in str(raised.value)


async def test_an_image_that_lost_the_tag_is_missing(runs: DebianRuns) -> None:
    await runs.publish()
    await write_tombstone(runs.registry, runs.layout.tag("ml", TAG))
    found, lines = await runs.read(fetches=True)
    assert sorted(found.stack.images) == ["base", "ds", "r"]
    why = found.stack.missing["ml"]
    assert why.startswith(f"It was published together with the others, but does not have the tag {TAG}: ")
    assert lines == [f"What is in ml of {TAG} is not known. {why}"]
    assert chosen(found.stack, ["ml"]).missing == {"ml": why}
    assert chosen(found.stack, ["ds"]).missing == {}


async def test_an_image_that_joined_or_left_is_not_missing(runs: DebianRuns) -> None:
    """The records of both stacks have the same images, but for that one."""
    del runs.files["images/ml/Dockerfile"]
    await runs.publish()
    runs.files["images/ml/Dockerfile"] = "FROM ds\nRUN ml\n"
    await runs.publish("b" * 40)
    found, _ = await runs.read(TAG)
    assert (sorted(found.stack.images), found.stack.missing) == (["base", "ds", "r"], {})
    await runs.promote(SECOND)
    del runs.files["images/ml/Dockerfile"]
    for tag in (SECOND, STABLE):
        found, _ = await runs.read(tag)
        assert (sorted(found.stack.images), found.stack.missing) == ([*IMAGES], {})
        assert found.record is not None
        assert found.record.tag == SECOND


async def source_tree(runs: DebianRuns) -> DescribedStack:
    tree = runs.tree()
    return await describe_source(runs.stack_of(tree), tree, runs.ports(runs.registry), GivenSecrets())


async def test_the_source_tree_is_described_by_what_is_published(runs: DebianRuns) -> None:
    await runs.publish()
    published = {image.name: await runs.description(image) for image in await runs.images()}
    runs.files["images/ml/Dockerfile"] = "FROM ds\nRUN other\n"
    await runs.forget_descriptions("r")
    r = (await runs.images())[-1]
    runs.inspector = FakeInspector()
    found = await source_tree(runs)
    assert runs.inspector.inspected == ["ml", str(r.place.pinned(r.digest))]
    assert {name: found.images[name] for name in ("base", "ds")} == {name: published[name] for name in ("base", "ds")}
    assert (found.images["ml"].digest, found.images["ml"].packages[0].name) == ("", "of-ml")
    assert dict(found.parents) == PARENTS
    assert any(WITHOUT in line for line in runs.progress.lines)


async def test_a_source_tree_that_cannot_be_built_is_not_described(runs: DebianRuns) -> None:
    runs.failing = "ds"
    with pytest.raises(FailedBuildError) as raised:
        await source_tree(runs)
    assert results(raised.value.report) == {"base": "built", "ds": "failed", "ml": "blocked", "r": "built"}


@pytest.mark.parametrize("form", [OWN, SHARED], ids=["own repositories", "one repository"])
async def test_no_layer_is_fetched(pipeline: Pipeline, form: Form) -> None:
    """The registry refuses every blob that is a layer of an image."""
    pipeline.form = form
    await pipeline.run()
    pipeline.commit = "b" * 40
    pipeline.files["images/ds/Dockerfile"] = "FROM base\nRUN other\n"
    await pipeline.run()
    stack = pipeline.stack_of(pipeline.tree())
    async with pipeline.client as registry:
        session = pipeline.session(registry)
        (old, new) = [await read_tag(stack, session, tag) for tag in (TAG, SECOND)]
        layers = {layer.digest for found in (old, new) for one in found.stack.images.values() for layer in one.layers}
        assert len(layers) == 6
        faults = [pipeline.server.fault("GET", f"/blobs/{one}", refusing(403), times=1000) for one in layers]
        pipeline.server.seen.clear()
        old, new = [await read_tag(stack, session, tag, inspector=FakeInspector()) for tag in (TAG, SECOND)]
        assert compare(old.stack, new.stack).images
        await list_stacks(stack, session)
        await package_history(stack, session, STABLE, "*")
    assert [fault.seen for fault in faults] == [0] * len(layers)
    assert pipeline.server.asked("GET", "/blobs/")
