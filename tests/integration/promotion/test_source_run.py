"""Which stacks may become stable: what a tag names must be one run's images, all of them."""

import re

import pytest

from ci.errors import PromotionDeniedError
from ci.gpu_gate.verdict import GpuOutcome, GpuVerdict, gpu_artifact
from ci.oci.referrers import push_referrer
from ci.promotion.gate_check import find_gate_approval
from ci.promotion.records import GateApproval
from ci.promotion.source_run import find_published_run
from ci.publish.attestations import RunRecord
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import GPU_IMAGE, NAMES, RegistrySession

pytestmark = pytest.mark.anyio

A = "2026.4-aaaaaa1"


@pytest.fixture
def shelf() -> RegistrySession:
    return RegistrySession(MemoryRegistry(), "registry.test")


async def refused(shelf: RegistrySession, tag: str = A) -> tuple[str, ...]:
    with pytest.raises(PromotionDeniedError, match=f"{tag} cannot become stable, and nothing was written") as raised:
        await find_published_run(shelf.registry, shelf.repositories, tag)
    return raised.value.problems


async def test_the_run_is_found(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    assert await find_published_run(shelf.registry, shelf.repositories, A) == run


@pytest.mark.parametrize("name", NAMES)
async def test_any_image_leads_to_the_whole_run(shelf: RegistrySession, name: str) -> None:
    run = await shelf.publish(A)
    other = RegistrySession(shelf.registry, "registry.test", [name, "brand-new"])
    assert await find_published_run(shelf.registry, other.repositories, A) == run


async def test_a_tag_that_nobody_published(shelf: RegistrySession) -> None:
    (problem,) = await refused(shelf)
    assert problem.startswith("No image has this tag, of registry.test/ucsdets/base, ")


async def test_images_that_no_run_published(shelf: RegistrySession) -> None:
    for name in NAMES:
        await shelf.registry.put(shelf.repositories[name].tagged(A), await shelf.image(name, b"by hand"))
    (problem,) = await refused(shelf)
    assert "no run says that it published that under this tag" in problem


async def test_all_that_is_missing_or_different_is_named(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    contents = shelf.registry.contents  # type: ignore[attr-defined]
    del contents.tags[str(shelf.repositories["datascience"])][A]
    stranger = await shelf.image("scipy-ml", b"by hand")
    await shelf.registry.put(shelf.repositories["scipy-ml"].tagged(A), stranger)
    missing, different = await refused(shelf)
    assert missing.startswith(f"datascience is missing: registry.test/ucsdets/datascience:{A} does not exist")
    assert f"scipy-ml:{A} is {stranger.digest}, but the run of {run.started}" in different
    assert f"published {run.by_name['scipy-ml'].digest}. " in different
    assert "No run says that it published that." in different


async def test_images_of_two_runs_are_told_apart(shelf: RegistrySession) -> None:
    first = await shelf.publish(A, layers={"base": b"same"})
    await shelf.publish(A, started="2026-11-24T12:00:00Z", layers={"base": b"same"})
    await shelf.registry.put(
        shelf.repositories["rstudio"].tagged(A), await shelf.image("rstudio", b"rstudio of the first")
    )
    later = RegistrySession(shelf.registry, "registry.test")
    assert first.images
    problems = await refused(later)
    assert len(problems) == 1
    assert problems[0].startswith("rstudio: ")


async def test_of_runs_with_the_same_tag_the_one_whose_images_are_there_is_meant(shelf: RegistrySession) -> None:
    first = await shelf.publish(A, layers={"base": b"same", "rstudio": b"first"})
    second = await shelf.publish(A, started="2026-11-24T12:00:00Z", layers={"base": b"same", "rstudio": b"second"})
    assert await find_published_run(shelf.registry, shelf.repositories, A) == second
    for image in first.images:
        manifest = await shelf.registry.get(shelf.repositories[image.name].pinned(image.digest))
        assert manifest is not None
        await shelf.registry.put(shelf.repositories[image.name].tagged(A), manifest)
    assert await find_published_run(shelf.registry, shelf.repositories, A) == first


async def test_an_image_that_the_run_does_not_know_may_not_have_its_tag(shelf: RegistrySession) -> None:
    smaller = RegistrySession(shelf.registry, "registry.test", NAMES[:3])
    run = await smaller.publish(A)
    assert await find_published_run(shelf.registry, shelf.repositories, A) == run
    await shelf.registry.put(shelf.repositories["scipy-ml"].tagged(A), await shelf.image("scipy-ml", b"x"))
    (problem,) = await refused(shelf)
    assert "knows no image of this name" in problem


def verdict(digest: str, outcome: GpuOutcome, started: str = "2026-11-24T10:00:00Z") -> GpuVerdict:
    reference = f"registry.test/ucsdets/scipy-ml@{digest}"
    return GpuVerdict(
        image=GPU_IMAGE, reference=reference, outcome=outcome, why="So it was.", host="login.test", pod="p",
        started=started, seconds=9, attempts=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "passes"),
    [
        pytest.param([], False, id="none"),
        pytest.param([GpuOutcome.PASSED], True, id="passed"),
        pytest.param([GpuOutcome.PASSED, GpuOutcome.TESTS_FAILED], False, id="passed, then failed"),
        pytest.param([GpuOutcome.BAD_RUN, GpuOutcome.PASSED], True, id="bad, then passed"),
        pytest.param([GpuOutcome.PASSED, GpuOutcome.NO_CAPACITY], True, id="passed, then no GPU was free"),
        pytest.param([GpuOutcome.INFRASTRUCTURE, GpuOutcome.LOGIN, GpuOutcome.HOST_KEY], False, id="never tried"),
    ],
)
async def test_the_newest_verdict_that_tells_something_decides(
    shelf: RegistrySession,
    outcomes: list[GpuOutcome],
    passes: bool,  # noqa: FBT001
) -> None:
    run = await shelf.publish(A)
    tried = run.by_name[GPU_IMAGE]
    repository = shelf.repositories[GPU_IMAGE]
    manifest = await shelf.registry.get(repository.pinned(tried.digest))
    assert manifest is not None
    for hour, outcome in enumerate(outcomes):
        said = verdict(tried.digest, outcome, f"2026-11-24T1{hour}:00:00Z")
        await push_referrer(shelf.registry, repository, manifest.descriptor, gpu_artifact(said))
    if passes:
        assert (await approved(shelf, run)).outcome == "passed"
        return
    missing = await find_gate_approval(shelf.registry, run, GPU_IMAGE)
    assert isinstance(missing, str)
    assert "Run test-gpu for this tag" in missing
    approval = await approved(shelf, run, accept=" no GPU ")
    assert approval.accepted == "no GPU"
    assert approval.outcome in {"", *outcomes}


async def test_a_fresh_verdict_is_taken_for_its_digest_alone(shelf: RegistrySession) -> None:
    run = await shelf.publish(A)
    fresh = verdict(run.by_name[GPU_IMAGE].digest, GpuOutcome.PASSED)
    assert (await approved(shelf, run, fresh=fresh)).digest == run.by_name[GPU_IMAGE].digest
    for other in (
        verdict(run.by_name["base"].digest, GpuOutcome.PASSED),
        verdict(fresh.digest, GpuOutcome.NO_CAPACITY),
    ):
        assert isinstance(await find_gate_approval(shelf.registry, run, GPU_IMAGE, fresh=other), str)


@pytest.mark.parametrize(("image", "says"), [("", r"has no \[gpu\]"), ("other", "is no image of")])
async def test_a_stack_whose_gate_names_no_image(shelf: RegistrySession, image: str, says: str) -> None:
    run = await shelf.publish(A)
    missing = await find_gate_approval(shelf.registry, run, image)
    assert isinstance(missing, str)
    assert re.search(says, missing)
    assert (await approved(shelf, run, image, accept="a page")).accepted == "a page"


async def approved(
    shelf: RegistrySession,
    run: RunRecord,
    image: str = GPU_IMAGE,
    *,
    fresh: GpuVerdict | None = None,
    accept: str | None = None,
) -> GateApproval:
    found = await find_gate_approval(shelf.registry, run, image, fresh=fresh, accept=accept)
    assert isinstance(found, GateApproval)
    return found
