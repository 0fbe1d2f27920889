"""The sizes of a report, from the manifests of what was uploaded, reused and is stable."""

import msgspec
import pytest

from ci.build.engine_failure import EngineFailure
from ci.commands.options import BuildOptions
from ci.fusion.fused import Fused, layering
from ci.results import Layer, Outcome
from tests.integration.adapters.oci.faults import refusing
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Engine, Pipeline

pytestmark = pytest.mark.anyio


class Measuring(Engine):
    """An Engine that measures: each instruction of the chain adds 10 bytes to a base of 100."""

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        plan, image = layering(fused), fused.stages[-1].image
        steps = (Layer(instruction=one.command, image=image, size=10) for one in plan.steps if one.image == image)
        base = Layer(instruction=f"FROM {plan.base}", image=None, size=100, number=0)
        return (*([base] if plan.stages[0].image == image else []), *steps)


@pytest.fixture
def measured(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr("tests.integration.publish.pipeline_harness.Engine", Measuring)
    pipeline.options = BuildOptions(publish=True, measure=True)
    return pipeline


async def test_layers_have_the_sizes_of_what_was_uploaded(measured: Pipeline) -> None:
    report = await measured.run()
    base = report.by_name["base"]
    assert [layer.instruction.partition("@")[0] for layer in base.layers] == ["FROM debian:12", "RUN base"]
    assert [layer.digests for layer in base.layers] == [(), (base.blobs[-1].digest,)]
    ml = report.by_name["ml"]
    assert [layer.compressed_size for layer in ml.layers] == [0, *(blob.size for blob in ml.blobs)]
    assert ml.blobs[: len(base.blobs)] == base.blobs
    assert all(blob.size > 0 for blob in ml.blobs)


async def test_reused_images_have_the_sizes_of_what_is_published(measured: Pipeline) -> None:
    first = await measured.run()
    second = await measured.run()
    assert [image.blobs for image in second.images] == [image.blobs for image in first.images]


async def test_reused_images_have_the_key_versions_of_what_is_published(measured: Pipeline) -> None:
    first = await measured.run()
    read = measured.contents
    second = await measured.run()
    assert {image.outcome for image in second.images} == {Outcome.REUSED}
    assert [image.versions for image in second.images] == [image.versions for image in first.images]
    assert all(image.versions for image in second.images)
    assert measured.contents == read
    assert set(read) == set(IMAGES)
    measured.options = msgspec.structs.replace(measured.options, measure=False)
    await measured.run()
    assert measured.contents == {}


async def test_the_stable_tag_is_the_baseline(measured: Pipeline) -> None:
    report = await measured.run()
    assert report.baseline is None
    for name in IMAGES[:2]:
        tags = measured.server.contents.tags[measured.layout.repository(name).path]
        tags["2026.4-stable"] = tags[TAG]
    report = await measured.run()
    assert report.baseline is not None
    assert (report.baseline.tag, report.baseline.problem) == ("2026.4-stable", "")
    assert report.baseline.images == {name: report.by_name[name].blobs for name in IMAGES[:2]}


async def test_a_registry_that_fails_after_the_run_leaves_the_report(measured: Pipeline) -> None:
    await measured.run()
    measured.server.fault("GET", "/manifests/2026.4-stable", refusing(403), times=1000)
    report = await measured.run()
    assert report.exit_code == 0
    assert report.baseline is not None
    assert "2026.4-stable" in report.baseline.problem
    assert report.baseline.images == {}


async def test_layers_that_do_not_fit_get_no_sizes(measured: Pipeline) -> None:
    measured.confused = True
    measured.options = msgspec.structs.replace(measured.options, test=True)
    report = await measured.run()
    ml = report.by_name["ml"]
    # What was built on another parent has fewer layers than there are instructions.
    assert len(ml.blobs) < len(ml.layers) - 1
    assert all(layer.compressed_size is None for layer in ml.layers)
