"""Descriptions that cannot be attached, and those that are lost: nothing is published without, and a rerun heals."""

import pytest

from ci.oci.referrers import list_referrers
from ci.publish.descriptions import find_description
from ci.registry_format import CONTENTS, CYCLONEDX, TEST_ATTESTATION
from tests.integration.adapters.oci.faults import Act, Fault, Reply, Request, refusal, refusing
from tests.integration.publish.debian_runs import DebianRuns
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Pipeline, results

pytestmark = pytest.mark.anyio
MANY = 1000
BUILT = dict.fromkeys(IMAGES, "built")
ATTACHED = "/stack/ml/manifests/sha256:"
FAULTS = {
    "401": (refusing(401), "login"),
    "403": (refusing(403), "permission"),
    "429": (refusing(429), "rate limit"),
    "507": (refusing(507), "no space left"),
}


async def described(pipeline: Pipeline) -> set[str]:
    """Return the images of the stack's tag that have one description and one bill of materials."""
    found = set()
    async with pipeline.client as registry:
        for name, digest in pipeline.stack().items():
            repository = pipeline.layout.repository(name)
            contents = await find_description(registry, repository, digest, name)
            listed = [await list_referrers(registry, repository, digest, kind) for kind in (CONTENTS, CYCLONEDX)]
            if contents is not None and contents.digest == digest and [*map(len, listed)] == [1, 1]:
                found.add(name)
    return found


@pytest.mark.parametrize("number", [1, 2], ids=["the description", "the bill of materials"])
@pytest.mark.parametrize(("act", "says"), FAULTS.values(), ids=FAULTS)
async def test_one_that_cannot_be_attached(pipeline: Pipeline, act: Act, says: str, number: int) -> None:
    pipeline.server.fault("PUT", ATTACHED, act, at=number, times=MANY)
    report = await pipeline.run()
    assert results(report) == {**BUILT, "ml": "not uploaded"}
    failure = report.by_name["ml"].failure
    assert failure is not None
    assert (failure.instruction, says in failure.message) == ("attaching its attestations", True), failure.message
    assert report.publication is not None
    assert report.publication.failure == f"Nothing was published as {TAG}: ml did not pass."
    assert pipeline.stack() == {}
    assert not any(pipeline.tags("k-").values())
    assert not any(pipeline.tags("2026.4").values())
    pipeline.server.faults.clear()
    healed = await pipeline.run()
    assert (healed.exit_code, results(healed)) == (0, {**dict.fromkeys(IMAGES, "reused"), "ml": "built"})
    assert await described(pipeline) == set(IMAGES)


async def test_no_image_has_the_attestation_that_it_passed_without_a_description(pipeline: Pipeline) -> None:
    """Such an image would be reused by the next run, and published without."""
    pipeline.server.fault("PUT", ATTACHED, refusing(403), at=1)
    await pipeline.run()
    (digest,) = {digest for tag, digest in pipeline.tags()["ml"].items() if tag.startswith("s-")}
    async with pipeline.client as registry:
        repository = pipeline.layout.repository("ml")
        assert await list_referrers(registry, repository, digest, TEST_ATTESTATION) == ()


async def test_a_rate_limit_that_passes_is_waited_for(pipeline: Pipeline) -> None:
    fault = pipeline.server.fault("PUT", ATTACHED, refusing(429, Retry_After="7"), times=1)
    assert (await pipeline.run()).exit_code == 0
    assert fault.seen > 1
    assert 7 in pipeline.clock.waits
    assert await described(pipeline) == set(IMAGES)


async def test_a_list_of_stacks_that_cannot_be_written_is_a_warning(pipeline: Pipeline) -> None:
    pipeline.server.fault("PUT", r"/stack/ml/manifests/2026\.4\.stacks$", refusing(403), times=MANY)
    report = await pipeline.run()
    assert report.exit_code == 0
    assert set(pipeline.stack()) == set(IMAGES)
    assert report.publication is not None
    assert report.publication.warning.startswith(f"{TAG} is published, but not in the list of stacks. ")
    assert "2026.4.stacks" in report.publication.warning
    pipeline.server.faults.clear()
    healed = await pipeline.run()
    assert healed.publication is not None
    assert healed.publication.warning == ""
    assert {name for name, tags in pipeline.tags("2026.4.stacks").items() if tags} == set(IMAGES)


async def test_a_lost_list_of_what_is_attached_is_healed_by_keep(runs: DebianRuns) -> None:
    await runs.publish()
    images = await runs.images()
    before = {image.name: await runs.description(image) for image in images}
    for image in images:
        target = runs.fallback_list(image)
        lost = await runs.registry.get(target)
        assert lost is not None
        await runs.registry.delete(image.place.pinned(lost.digest))
        assert await runs.attached(image) == ()
    _, lines = await runs.read(TAG, fetches=True, keep=True)
    assert len(lines) == len(IMAGES)
    for image in images:
        after = await runs.description(image)
        assert after.packages == before[image.name].packages
        assert after.digest == image.digest
    # Their attestations were in the list, too: what their children were built on is not known any more.
    assert results(await runs.publish()) == {**BUILT, "base": "reused"}
    for image in await runs.images():
        await runs.description(image)


async def test_the_fault_is_met_by_a_description(pipeline: Pipeline) -> None:
    """The tests above would not tell a refused description from a refused attestation."""
    kinds: list[str] = []

    def act(request: Request, _serve: object) -> Reply:
        content = request.content().decode()
        kinds.extend(kind for kind in (CONTENTS, CYCLONEDX, TEST_ATTESTATION) if f'"{kind}"' in content)
        return refusal(403)

    for number in (1, 2):
        pipeline.server.faults[:] = [Fault("PUT", ATTACHED, act, at=number, times=MANY)]
        await pipeline.run()
        pipeline.commit = "b" * 40
        pipeline.files["images/ml/Dockerfile"] += "RUN more\n"
    assert [kinds[0], kinds[-1]] == [CONTENTS, CYCLONEDX]
