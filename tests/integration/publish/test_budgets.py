"""The budgets of a run, against what is stable in Debian's docker-registry: what is over stays without a tag."""

from collections.abc import Mapping

import msgspec
import pytest

from ci.commands.options import BuildOptions
from ci.contents.budgets import Measure, Verdict
from ci.contents.model import SCHEMA
from ci.oci.referrers import Artifact, push_referrer
from ci.oci.tombstone import write_tombstone
from ci.publish.attestations import RunRecord
from ci.registry_format import CONTENTS
from ci.reports.text import render_run
from ci.results import RunReport
from tests.integration.adapters.oci.faults import refusing
from tests.integration.publish.debian_runs import SECOND, STABLE, DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, Pipeline, StackRuns, results

pytestmark = pytest.mark.anyio
BUDGET = '[stack]\nversion = "2026.4"\nrebuild-all = []\n[budget]\n'
REUSED = dict.fromkeys(IMAGES, "reused")
BUILT = dict.fromkeys(IMAGES, "built")
LARGE, SMALL = 918_000_000, 450_000_000
PLANTED = "Package: planted\nVersion: 3\nInstalled-Size: 98643\n"
REASON = "a course needs it"
OTHER = "b" * 40


def with_budget(runs: StackRuns, size: int = LARGE, keys: str = "") -> None:
    runs.files["images/stack.toml"] = f"{BUDGET}{keys}"
    runs.inspector.sizes = dict.fromkeys(IMAGES, size)


async def make_stable(runs: DebianRuns, size: int = LARGE, keys: str = "") -> None:
    """Publish and promote a stack of images of one size."""
    with_budget(runs, size, keys)
    await runs.publish()
    await runs.promote()
    runs.commit = OTHER


def change(runs: StackRuns, image: str, size: int = LARGE, *packages: str, run: str = "other") -> None:
    """Change an image, which is then so large and has these packages."""
    path = f"images/{image}/Dockerfile"
    runs.files[path] = f"{runs.files[path].splitlines()[0]}\nRUN {run}\n"
    runs.inspector.sizes[image] = size
    runs.inspector.packages[image] = packages


def verdicts(report: RunReport) -> Mapping[str, Verdict]:
    return {one.image: one.verdict for one in report.budgets}


def problem(report: RunReport, image: str) -> str:
    (found,) = (one.problem for one in report.budgets if one.image == image)
    return found


async def tags(runs: DebianRuns) -> set[str]:
    """Return the tags of all images but those that promise nothing."""
    names = [f"{name}:{tag}" for name in IMAGES for tag in await runs.registry.tags(runs.layout.repository(name))]
    return {name for name in names if not name.partition(":")[2].startswith(("s-", "sha256-"))}


async def test_eleven_percent_and_101_megabytes_are_red(runs: DebianRuns) -> None:
    await make_stable(runs)
    before = await tags(runs)
    change(runs, "ds", LARGE + 101_010_000, PLANTED)
    report = await runs.run()
    assert results(report) == {**REUSED, "ds": "over budget", "ml": "built"}
    assert verdicts(report) == {**dict.fromkeys(IMAGES, Verdict.OK), "ds": Verdict.OVER}
    assert report.exit_code == 1
    assert report.publication is not None
    assert report.publication.failure == f"Nothing was published as {SECOND}: ds did not pass."
    assert await tags(runs) == before
    assert runs.engine is not None
    assert "finish ml" in runs.engine.log
    text = render_run(report)
    assert f"ds: OVER BUDGET, against {STABLE}" in text
    assert "files: 918 MB -> 1.0 GB (+11 %, +101 MB; its budget is 10 %)" in text
    assert "the packages that grew most: apt planted +101 MB (3, new)" in text


async def test_eleven_percent_and_50_megabytes_are_green(runs: DebianRuns) -> None:
    await make_stable(runs, SMALL)
    change(runs, "ds", SMALL + 50_400_000, PLANTED)
    report = await runs.publish(OTHER)
    assert verdicts(report) == dict.fromkeys(IMAGES, Verdict.OK)
    assert results(report) == {**REUSED, "ds": "built", "ml": "built"}


async def test_a_larger_download_alone_is_red(runs: DebianRuns) -> None:
    await make_stable(runs, keys='floor = "0 MB"\n')
    change(runs, "ml", run="x" * 1000)
    report = await runs.run()
    assert results(report) == {**REUSED, "ml": "over budget"}
    (ml,) = (one for one in report.budgets if one.image == "ml")
    assert [(one.measure, one.verdict) for one in ml.growths] == [
        (Measure.FILES, Verdict.OK),
        (Measure.DOWNLOAD, Verdict.OVER),
    ]


async def test_growth_that_was_accepted_is_recorded_with_its_reason(runs: DebianRuns) -> None:
    await make_stable(runs)
    change(runs, "ds", LARGE + 101_010_000, PLANTED)
    runs.options = BuildOptions(publish=True, accept_growth=REASON)
    report = await runs.publish(OTHER)
    assert verdicts(report)["ds"] is Verdict.ACCEPTED
    assert f"accepted: {REASON}" in render_run(report)
    assert report.publication is not None
    record = msgspec.json.decode(report.publication.record, type=RunRecord)
    assert {one.name: one.accepted_growth for one in record.images} == {**dict.fromkeys(IMAGES, ""), "ds": REASON}
    found, _ = await runs.read(SECOND)
    assert found.record == record


async def test_what_was_built_without_publishing_is_judged(runs: DebianRuns) -> None:
    await make_stable(runs)
    runs.options = BuildOptions()
    change(runs, "ds", LARGE + 101_010_000, PLANTED)
    report = await runs.run()
    assert (results(report), report.exit_code) == ({**REUSED, "ds": "over budget", "ml": "built"}, 1)


async def test_images_that_are_reused_are_compared_too(runs: DebianRuns) -> None:
    await make_stable(runs)
    change(runs, "ds", LARGE + 101_010_000, PLANTED)
    runs.options = BuildOptions(publish=True, accept_growth=REASON)
    await runs.publish(OTHER)
    runs.options = BuildOptions(publish=True)
    report = await runs.run()
    assert results(report) == {**REUSED, "ds": "over budget"}
    assert "apt planted +101 MB" in render_run(report)
    await runs.promote(SECOND)
    assert verdicts(await runs.publish()) == dict.fromkeys(IMAGES, Verdict.OK)


async def test_as_long_as_nothing_is_stable_nothing_is_judged(runs: DebianRuns) -> None:
    with_budget(runs)
    report = await runs.publish()
    assert verdicts(report) == dict.fromkeys(IMAGES, Verdict.UNJUDGED)
    assert render_run(report).count(f"No budget was judged: There is no {STABLE} yet.") == 1


async def test_an_image_that_stable_does_not_have_is_not_judged(runs: DebianRuns) -> None:
    ml = runs.files.pop("images/ml/Dockerfile")
    await make_stable(runs)
    runs.files["images/ml/Dockerfile"] = ml
    report = await runs.publish()
    assert verdicts(report) == {**dict.fromkeys(IMAGES, Verdict.OK), "ml": Verdict.UNJUDGED}
    assert problem(report, "ml") == f"{STABLE} does not have ml."


async def test_without_a_budget_nothing_is_judged(runs: DebianRuns) -> None:
    await make_stable(runs)
    runs.files["images/stack.toml"] = BUDGET.removesuffix("[budget]\n")
    change(runs, "ds", LARGE * 2)
    assert (await runs.publish()).budgets == ()


@pytest.mark.parametrize("status", [403, 500])
async def test_a_stable_tag_that_cannot_be_read_is_red(pipeline: Pipeline, status: int) -> None:
    with_budget(pipeline)
    assert (await pipeline.run()).exit_code == 0
    for name, digest in pipeline.stack().items():
        pipeline.server.contents.tags[f"stack/{name}"][STABLE] = digest
    pipeline.commit = OTHER
    pipeline.server.fault("HEAD", f"/stack/r/manifests/{STABLE}", refusing(status), times=1000)
    report = await pipeline.run()
    assert (results(report), report.exit_code) == (dict.fromkeys(IMAGES, "over budget"), 1)
    assert pipeline.stack(SECOND) == {}
    for name in IMAGES:
        assert problem(report, name).startswith(f"{STABLE} cannot be read: ")
        assert f"stack/r:{STABLE}" in problem(report, name)
    pipeline.server.faults.clear()
    healed = await pipeline.run()
    assert verdicts(healed) == dict.fromkeys(IMAGES, Verdict.OK)
    assert set(pipeline.stack(SECOND)) == set(IMAGES)


async def test_a_stable_stack_of_which_half_was_withdrawn_is_red(runs: DebianRuns) -> None:
    await make_stable(runs)
    for name in ("ds", "ml"):
        await write_tombstone(runs.registry, runs.layout.tag(name, STABLE))
    report = await runs.run()
    assert results(report) == {**REUSED, "ds": "over budget", "ml": "over budget"}
    assert problem(report, "ml").startswith(
        f"What is in ml of {STABLE} is not known: It was published together with the others, but does not have the tag"
    )


async def test_an_image_of_stable_without_a_description_is_red(runs: DebianRuns) -> None:
    await make_stable(runs)
    await runs.forget_descriptions("r", tag=STABLE)
    change(runs, "r")
    report = await runs.run()
    assert results(report) == {**REUSED, "r": "over budget"}
    assert problem(report, "r") == (
        f"What is in r of {STABLE} is not known: It was published without a description. "
        f"`describe --tag {STABLE} --keep` makes one."
    )
    await runs.read(STABLE, fetches=True, keep=True)
    assert verdicts(await runs.publish()) == dict.fromkeys(IMAGES, Verdict.OK)


@pytest.mark.parametrize("newer", [False, True])
async def test_an_image_that_is_reused_without_a_description_is_red(runs: DebianRuns, *, newer: bool) -> None:
    """The one that is stable has a description."""
    await make_stable(runs)
    change(runs, "r")
    await runs.publish()
    r = (await runs.images(SECOND))[-1]
    await runs.forget_descriptions("r", tag=SECOND)
    if newer:
        manifest = await runs.registry.get(r.place.pinned(r.digest))
        assert manifest is not None
        artifact = Artifact(type=CONTENTS, media_type="application/json", content=b'{"schema":%d}' % (SCHEMA + 1))
        await push_referrer(runs.registry, r.place.repository, manifest.descriptor, artifact)
    report = await runs.run()
    says = "its schema is 2, and this version reads 1" if newer else "It was published without a description."
    assert results(report) == {**REUSED, "r": "over budget"}
    assert problem(report, "r").startswith("What is in r is not known: ")
    assert says in problem(report, "r")
