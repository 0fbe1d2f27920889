"""What a run that publishes leaves in Debian's registry about what is in the images, and the list of stacks."""

import msgspec
import pytest

from ci.image_labels import BASE_DIGEST
from ci.oci.index import decode_index
from ci.oci.referrers import read_referrer
from ci.publish.attestations import RUN_RECORDS
from ci.publish.descriptions import attach_description
from ci.publish.published_image import read_published_image
from ci.publish.stack_list import MOST_LISTED, list_stack, read_stacks
from ci.registry_format import CONTENTS, CYCLONEDX, PUBLISHED_STACKS, RUN_RECORD, STACK_TAG, SUBJECT
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import PublishedStack
from tests.integration.publish.debian_runs import SECOND, DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, TAG, results
from tests.unit.build.fakes import FakeInspector

pytestmark = pytest.mark.anyio
LIST = "2026.4.stacks"


async def test_each_image_has_one_description_and_one_bill_of_materials(runs: DebianRuns) -> None:
    await runs.publish()
    for image in await runs.images():
        for kind, title in ((CONTENTS, "contents.json"), (CYCLONEDX, "cdx.json")):
            (listed,) = await runs.attached(image, kind)
            artifact = await read_referrer(runs.registry, image.place.repository, image.digest, listed)
            assert artifact is not None
            assert (artifact.type, artifact.title) == (kind, f"{image.name}.{title}")
            if kind == CYCLONEDX:
                assert artifact.media_type == CYCLONEDX
                found = {one["name"] for one in msgspec.json.decode(artifact.content)["components"]}
                assert f"of-{image.name}" in found
        contents = await runs.description(image)
        assert (contents.image, contents.digest) == (image.name, image.digest)
        assert [(one.name, one.version) for one in contents.packages] == [(f"of-{image.name}", "1")]


async def test_layers_and_labels_are_those_of_the_registry(runs: DebianRuns) -> None:
    await runs.publish()
    images = {image.name: image for image in await runs.images()}
    contents = {name: await runs.description(image) for name, image in images.items()}
    chains = {"base": ["base"], "ds": ["base", "ds"], "ml": ["base", "ds", "ml"], "r": ["base", "r"]}
    for name, image in images.items():
        published = await read_published_image(runs.registry, image.place.repository, image.digest)
        layers = contents[name].layers
        assert [(one.instruction, one.image) for one in layers] == [(f"RUN {one}", one) for one in chains[name]]
        assert [(one.digest, one.compressed_size) for one in layers] == [
            (blob.digest, blob.size) for blob in published.blobs
        ]
        assert contents[name].compressed_size == sum(blob.size for blob in published.blobs) > 0
    assert contents["ml"].config.labels[BASE_DIGEST] == images["ds"].digest


async def test_layers_of_a_parent_that_is_reused_have_its_reference(runs: DebianRuns) -> None:
    await runs.publish()
    base = (await runs.images())[0]
    await runs.change("ds", "Package: new\nVersion: 1\n")
    ds = next(image for image in await runs.images(SECOND) if image.name == "ds")
    assert [(one.instruction, one.image) for one in (await runs.description(ds)).layers] == [
        (f"FROM {base.place.pinned(base.digest)}", None),
        ("RUN Package: new Version: 1", "ds"),
    ]


async def test_every_image_lists_the_stack(runs: DebianRuns) -> None:
    report = await runs.publish()
    assert report.publication is not None
    for image in await runs.images():
        target = image.place.tagged(LIST)
        manifest = await runs.registry.get(target)
        assert manifest is not None
        index = decode_index(manifest, target)
        (record,) = await runs.attached(image, RUN_RECORD)
        assert index.artifact_type == PUBLISHED_STACKS
        assert [one.digest for one in index.manifests] == [record.digest]
        annotations = index.manifests[0].annotations
        assert (annotations[SUBJECT], annotations[STACK_TAG]) == (image.digest, TAG)
        (read,) = await read_stacks(runs.registry, [image.place], "2026.4")
        assert RUN_RECORDS.content(read).decode() == report.publication.record


async def test_with_nothing_changed_nothing_is_described_and_nothing_written(runs: DebianRuns) -> None:
    await runs.publish()
    stored = runs.stored()
    runs.inspector = FakeInspector()
    assert results(await runs.publish()) == dict.fromkeys(IMAGES, "reused")
    assert runs.inspector.inspected == []
    assert runs.stored() == stored


async def test_to_attach_it_again_changes_no_file_of_the_registry(runs: DebianRuns) -> None:
    await runs.publish()
    stored = runs.stored()
    for image in await runs.images():
        repository = image.place.repository
        published = await read_published_image(runs.registry, repository, image.digest)
        await attach_description(runs.registry, repository, published, await runs.description(image))
    assert runs.stored() == stored


async def test_only_what_is_built_is_described(runs: DebianRuns) -> None:
    """All are tested anew."""
    await runs.publish()
    runs.inspector = FakeInspector()
    runs.files["images/base/tests/image/test_base.py"] = "# more"
    await runs.change("ds", "Package: new\nVersion: 1\n")
    assert sorted(runs.inspector.inspected) == ["ds", "ml"]
    stacks = await read_stacks(runs.registry, [runs.layout.place("r")], "2026.4")
    assert [record.tag for record in stacks] == [SECOND, TAG]


async def test_the_newest_fifty_stacks_are_listed() -> None:
    registry = MemoryRegistry()
    stack = PublishedStack(registry, "registry.example", ["base"])
    place = stack.places["base"]
    tags = [f"2026.4-{number:07x}" for number in range(MOST_LISTED + 2)]
    for number, tag in enumerate(tags):
        started = f"2026-11-24T08:{number:02}:00Z"
        record = await stack.publish(tag, started=started, layers={"base": b"the same each time"})
        await list_stack(registry, place, "2026.4", record.images[0].digest, tag)
    found = await read_stacks(registry, [place], "2026.4")
    assert [record.tag for record in found] == tags[:1:-1]
    manifest = await registry.get(place.tagged(LIST))
    assert manifest is not None
    assert [one.annotations[STACK_TAG] for one in decode_index(manifest, place.tagged(LIST)).manifests] == tags[2:]


async def test_a_run_that_was_killed_before_it_listed_the_stack_is_mended(runs: DebianRuns) -> None:
    await runs.publish()
    place = runs.layout.place("ds")
    manifest = await runs.registry.get(place.tagged(LIST))
    assert manifest is not None
    await runs.registry.delete(place.pinned(manifest.digest))
    assert await read_stacks(runs.registry, [place], "2026.4") == ()
    await runs.publish()
    assert [record.tag for record in await read_stacks(runs.registry, [place], "2026.4")] == [TAG]


async def test_a_stack_is_listed_again_when_a_clean_up_deleted_its_record(
    runs: DebianRuns, debian: DebianRegistry
) -> None:
    await runs.publish()
    debian.collect_garbage()
    place = runs.layout.place("base")
    assert await read_stacks(runs.registry, [place], "2026.4") == ()
    # What its children were built on was attested, too: only base is not built again.
    assert results(await runs.publish())["base"] == "reused"
    assert [record.tag for record in await read_stacks(runs.registry, [place], "2026.4")] == [TAG]
