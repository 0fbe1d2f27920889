"""What a run leaves in the registry, and what the next one makes of it."""

import msgspec
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.commands.options import BuildOptions
from ci.planning.decisions import Action
from ci.publish.attestations import RUN_RECORDS, RecordedTests, RunRecord, find_run_records
from tests.integration.publish.pipeline_harness import COMMIT, IMAGES, TAG, Pipeline, results
from tests.unit.build.fakes import FakeTester

pytestmark = pytest.mark.anyio
BUILT = dict.fromkeys(IMAGES, "built")
REUSED = dict.fromkeys(IMAGES, "reused")


async def test_a_stack_gets_one_tag_and_each_image_its_key(pipeline: Pipeline) -> None:
    report = await pipeline.run()
    assert (results(report), report.exit_code) == (BUILT, 0)
    assert report.publication is not None
    assert report.publication.written == IMAGES
    for name, tags in pipeline.tags().items():
        digest = tags[TAG]
        assert digest == report.by_name[name].digest
        kinds = {tag.partition("-")[0] for tag, named in tags.items() if named == digest}
        assert kinds == {"2026.4", "k", "s"}


async def test_the_next_run_takes_what_is_there(pipeline: Pipeline) -> None:
    await pipeline.run()
    tags = pipeline.tags()
    pipeline.server.seen.clear()
    report = await pipeline.run()
    assert (results(report), report.exit_code) == (REUSED, 0)
    assert pipeline.tags() == tags
    assert pipeline.engine is not None
    assert pipeline.engine.log == []
    assert [seen for seen in pipeline.server.seen if seen.method == "PUT"] == []
    assert report.publication is not None
    assert (report.publication.written, report.publication.unchanged) == ((), IMAGES)


async def test_another_commit_names_the_same_images(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.commit = "b" * 40
    pipeline.server.seen.clear()
    report = await pipeline.run()
    assert results(report) == REUSED
    assert pipeline.stack("2026.4-bbbbbbb") == pipeline.stack()
    layers = [seen for seen in pipeline.server.asked("PUT", "/blobs/") if seen.taken > 5000]
    assert layers == []


async def test_a_changed_leaf_is_built_on_what_is_published(pipeline: Pipeline) -> None:
    await pipeline.run()
    before = pipeline.stack()
    pipeline.files["images/ml/Dockerfile"] = "FROM ds\nRUN other\n"
    report = await pipeline.run()
    assert results(report) == {**REUSED, "ml": "built"}
    assert pipeline.engine is not None
    assert pipeline.engine.fetched == [f"{pipeline.server.host}/stack/ds@{before['ds']}"]
    assert {name for name in IMAGES if pipeline.stack()[name] != before[name]} == {"ml"}


async def test_changed_tests_are_run_on_what_is_published(pipeline: Pipeline) -> None:
    await pipeline.run()
    before = pipeline.stack()
    pipeline.files["images/base/tests/image/test_base.py"] = "# more"
    pipeline.tester = FakeTester()
    report = await pipeline.run()
    assert results(report) == REUSED
    assert sorted(pipeline.tester.ran) == [f"{name} base/image" for name in IMAGES]
    assert pipeline.stack() == before
    pipeline.tester = FakeTester()
    assert results(await pipeline.run()) == REUSED
    assert pipeline.tester.ran == []


async def test_changed_tests_that_fail_are_red_and_stay_to_be_run(pipeline: Pipeline) -> None:
    await pipeline.run()
    before = pipeline.tags()
    pipeline.commit = "b" * 40
    pipeline.files["images/base/tests/image/test_base.py"] = "# more"
    pipeline.tester = FakeTester(failing="r base/image")
    report = await pipeline.run()
    assert (results(report), report.exit_code) == ({**REUSED, "r": "tests failed"}, 1)
    assert pipeline.stack("2026.4-bbbbbbb") == {}
    assert pipeline.stack() == {name: tags[TAG] for name, tags in before.items()}
    pipeline.tester = FakeTester()
    assert results(await pipeline.run()) == REUSED
    assert pipeline.tester.ran == ["r base/image"]


async def test_nothing_gets_a_name_when_one_image_fails_its_tests(pipeline: Pipeline) -> None:
    pipeline.tester = FakeTester(failing="r base/image")
    report = await pipeline.run()
    assert (results(report), report.exit_code) == ({**BUILT, "r": "tests failed"}, 1)
    assert {tag.partition("-")[0] for tags in pipeline.tags().values() for tag in tags} == {"s", "sha256"}
    assert report.publication is not None
    assert report.publication.failure == f"Nothing was published as {TAG}: r did not pass."


async def test_what_passed_in_a_red_run_is_not_built_again(pipeline: Pipeline) -> None:
    pipeline.tester = FakeTester(failing="r base/image")
    await pipeline.run()
    pipeline.tester = FakeTester()
    report = await pipeline.run()
    assert (results(report), report.exit_code) == ({**REUSED, "r": "built"}, 0)
    assert set(pipeline.stack()) == set(IMAGES)
    assert all(any(tag.startswith("k-") for tag in tags) for tags in pipeline.tags().values())


async def test_a_moved_base_has_all_built(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.debian.known = f"sha256:{'e' * 64}"
    report = await pipeline.run()
    assert results(report) == BUILT
    assert report.plan.images[0].reason.startswith("base moved: debian:12 ")


async def test_a_refresh_builds_all_and_is_remembered(pipeline: Pipeline) -> None:
    await pipeline.run()
    first = pipeline.stack()
    pipeline.options = BuildOptions(publish=True, epoch="2026-11-25")
    report = await pipeline.run()
    assert results(report) == BUILT
    assert report.plan.images[0].reason == "epoch: none -> 2026-11-25"
    refreshed = pipeline.stack()
    assert not set(refreshed.values()) & set(first.values())
    pipeline.options = BuildOptions(publish=True)
    assert results(await pipeline.run()) == REUSED
    assert pipeline.stack() == refreshed


async def test_rebuild_builds_what_it_names_and_what_stands_on_it(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.options = BuildOptions(publish=True, rebuild=("ds",))
    report = await pipeline.run()
    assert results(report) == {"base": "reused", "ds": "built", "ml": "built", "r": "reused"}
    assert report.plan.images[1].reason == "forced: --rebuild"


async def test_rebuild_takes_a_word_for_every_image(pipeline: Pipeline) -> None:
    await pipeline.run()
    for word in ("*", "all"):
        pipeline.options = BuildOptions(publish=True, rebuild=(word,))
        assert results(await pipeline.run()) == BUILT


async def test_an_image_called_all_is_meant_by_its_name(pipeline: Pipeline) -> None:
    pipeline.files["images/all/Dockerfile"] = "FROM base\nRUN all\n"
    await pipeline.run()
    pipeline.options = BuildOptions(publish=True, rebuild=("all",))
    assert results(await pipeline.run()) == {**REUSED, "all": "built"}
    pipeline.options = BuildOptions(publish=True, rebuild=("*",))
    assert results(await pipeline.run()) == {**BUILT, "all": "built"}


async def test_the_record_tells_what_was_published(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.files["images/ml/Dockerfile"] = "FROM ds\nRUN other\n"
    report = await pipeline.run()
    async with HttpRegistry(Endpoint(host=pipeline.server.host)) as registry:
        records = [
            (await find_run_records(registry, pipeline.layout.repository(name), digest, TAG))[0]
            for name, digest in pipeline.stack().items()
        ]
    record = records[0]
    assert records == [record] * 4
    assert report.publication is not None
    assert report.publication.record.encode() == RUN_RECORDS.artifact(record).content
    assert {image.name: image.digest for image in record.images} == pipeline.stack()
    assert record.commit == COMMIT
    leaf = record.by_name["ml"]
    assert (leaf.action, record.by_name["base"].action) == (Action.BUILD, Action.REUSE)
    assert (leaf.tests.passed, leaf.tests.skipped) == (1, 0)
    assert record.by_name["base"].bases == {"debian:12": pipeline.debian.known}
    assert leaf.size > 0


async def test_the_record_lists_the_suites_that_ran(pipeline: Pipeline) -> None:
    pipeline.files["images/ml/tests/image/test_ml.py"] = ""
    pipeline.files["images/tool/Dockerfile"] = "FROM debian:12\nRUN tool\n"
    report = await pipeline.run()
    assert report.publication is not None
    record = msgspec.json.decode(report.publication.record, type=RunRecord)
    assert {image.name: image.tests.ran for image in record.images} == {
        "base": ("base/image",),
        "ds": ("base/image",),
        "ml": ("base/image", "ml/image"),
        "r": ("base/image",),
        "tool": (),
    }
    pipeline.files["images/r/Dockerfile"] = "FROM base\nRUN other\n"
    report = await pipeline.run()
    assert report.publication is not None
    again = msgspec.json.decode(report.publication.record, type=RunRecord)
    assert {image.name: image.tests.ran for image in again.images} == {
        image.name: image.tests.ran for image in record.images
    }


def test_records_from_before_suites_were_listed_can_be_read() -> None:
    tests = msgspec.json.decode(b'{"suites":"a","passed":1,"skipped":0,"flaky":0}', type=RecordedTests)
    assert tests.ran is None


async def test_labels_say_what_an_image_is(pipeline: Pipeline) -> None:
    await pipeline.run()
    contents = pipeline.server.contents
    manifest = msgspec.json.decode(contents.find("stack/ml", TAG).content)  # type: ignore[union-attr]
    labels = msgspec.json.decode(contents.blobs["stack/ml"][manifest["config"]["digest"]])["config"]["Labels"]
    base = next(tag for tag in pipeline.tags("k-")["ds"])
    assert labels.pop("edu.ucsd.datahub.key").startswith(next(iter(pipeline.tags("k-")["ml"])).removeprefix("k-"))
    assert {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()} == {
        "title": "ml",
        "version": TAG,
        "revision": COMMIT,
        "created": "2026-11-25T07:01:00+00:00",
        "base.name": f"{pipeline.server.host}/stack/ds:{base}",
        "base.digest": pipeline.stack()["ds"],
    }
